# Finds the requirements of the CUDA device: NVIDIA's toolkit, cuDNN 9 and the headers of cudnn-frontend (docs/cuda.md).
# Sets STREAMDIFFUSION_HAS_CUDA. The device is a shared library that the program opens on demand.
set(STREAMDIFFUSION_CUDA AUTO CACHE STRING "The CUDA device: AUTO (where all that it takes is found), ON or OFF")
set_property(CACHE STREAMDIFFUSION_CUDA PROPERTY STRINGS AUTO ON OFF)
set(STREAMDIFFUSION_HAS_CUDA OFF)
if(STREAMDIFFUSION_CUDA STREQUAL "OFF" OR
   (STREAMDIFFUSION_CUDA STREQUAL "AUTO" AND (STREAMDIFFUSION_SANITIZE OR STREAMDIFFUSION_FUZZ)))
  return()
endif()

set(packages ${PROJECT_SOURCE_DIR}/.cuda)  # `scripts/install-dependencies cuda` installs the packages from PyPI here
find_program(NVCC nvcc HINTS ENV CUDACXX PATHS /usr/local/cuda/bin)
get_filename_component(toolkit "${NVCC}" REALPATH)
get_filename_component(toolkit "${toolkit}" DIRECTORY)
get_filename_component(toolkit "${toolkit}" DIRECTORY)
set(folders ${packages} ${packages}/nvidia/cudnn ${packages}/nvidia/cu13 ${toolkit})
find_path(CUDNN_INCLUDE_DIR cudnn_graph.h HINTS ${folders} PATH_SUFFIXES include)
find_path(CUDNN_FRONTEND_INCLUDE_DIR cudnn_frontend.h HINTS ${folders} PATH_SUFFIXES include)
find_library(CUDNN_LIBRARY NAMES cudnn libcudnn.so.9 HINTS ${folders} PATH_SUFFIXES lib lib64)
find_library(CUBLASLT_LIBRARY NAMES cublasLt libcublasLt.so.13 libcublasLt.so.12 HINTS ${folders} PATH_SUFFIXES lib lib64)
foreach(part NVCC CUDNN_INCLUDE_DIR CUDNN_FRONTEND_INCLUDE_DIR CUDNN_LIBRARY CUBLASLT_LIBRARY)
  if(NOT ${part})
    list(APPEND missing ${part})
  endif()
endforeach()
if(missing)
  if(STREAMDIFFUSION_CUDA STREQUAL "ON")
    message(FATAL_ERROR "STREAMDIFFUSION_CUDA is ON, and these were not found: ${missing}; docs/cuda.md says where they come from")
  endif()
  message(STATUS "The CUDA device is not built: not found: ${missing}")
  return()
endif()

set(CMAKE_CUDA_COMPILER ${NVCC})
set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION -std=c++20)  # CMake 3.25 does not set it by itself
if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES AND NOT DEFINED ENV{CUDAARCHS})
  set(CMAKE_CUDA_ARCHITECTURES 75 80 86 89 90 100 120)
endif()
enable_language(CUDA)
if(CCACHE)
  set(CMAKE_CUDA_COMPILER_LAUNCHER ${CCACHE})
endif()
set(STREAMDIFFUSION_HAS_CUDA ON)

# Include folders of every target that uses NVIDIA's headers.
add_library(streamdiffusion_nvidia INTERFACE)
target_include_directories(streamdiffusion_nvidia SYSTEM INTERFACE ${CMAKE_CUDA_TOOLKIT_INCLUDE_DIRECTORIES}
                           ${CUDNN_INCLUDE_DIR} ${CUDNN_FRONTEND_INCLUDE_DIR})
