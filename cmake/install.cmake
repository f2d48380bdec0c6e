# Installs the program with the default model, and the library's components with headers, CMake package and pkg-config files. The
# install components `program` and `development` correspond to the Debian packages (packages.cmake).
include(CMakePackageConfigHelpers)

set(PACKAGE_FOLDER ${CMAKE_INSTALL_LIBDIR}/cmake/streamdiffusion)
foreach(component IN ITEMS base c ${LIBRARY_COMPONENTS})
  set(target streamdiffusion_${component})
  if(TARGET ${target}_shared)
    set(target ${target}_shared)
  elseif(BUILD_SHARED_LIBS AND component STREQUAL "base")
    continue()  # the shared libraries contain the base
  endif()
  install(TARGETS ${target} EXPORT streamdiffusion-${component}
          ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT development
          LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT development)
  install(EXPORT streamdiffusion-${component} NAMESPACE streamdiffusion:: FILE streamdiffusion-${component}Targets.cmake
          DESTINATION ${PACKAGE_FOLDER} COMPONENT development)
endforeach()
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT development)
if(STREAMDIFFUSION_HAS_CUDA)
  install(TARGETS streamdiffusion_cuda LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT program)
endif()
if(program IN_LIST COMPONENTS)
  install(TARGETS streamdiffusion_cli RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT program)
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/models/default ${PROJECT_SOURCE_DIR}/models/loras
          DESTINATION ${CMAKE_INSTALL_DATADIR}/streamdiffusion/models COMPONENT program)
endif()

configure_package_config_file(
  ${PROJECT_SOURCE_DIR}/cmake/streamdiffusionConfig.cmake.in ${PROJECT_BINARY_DIR}/streamdiffusionConfig.cmake
  INSTALL_DESTINATION ${PACKAGE_FOLDER})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/streamdiffusionConfigVersion.cmake
                                 COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/streamdiffusionConfig.cmake
              ${PROJECT_BINARY_DIR}/streamdiffusionConfigVersion.cmake
        DESTINATION ${PACKAGE_FOLDER} COMPONENT development)

# pkg-config files, which find the folders from their own. Programs link the dependencies of static libraries, so these
# are not private: pkg-config --static would also ask for the dependencies of shared libraries, such as FFmpeg's.
file(RELATIVE_PATH PREFIX_FROM_LIBDIR /${CMAKE_INSTALL_LIBDIR} /)
string(REGEX REPLACE "/$" "" PREFIX_FROM_LIBDIR "${PREFIX_FROM_LIBDIR}")
set(DESCRIPTION_core "Real-time image generation by diffusion: models and streams")
set(REQUIRES_core "")
set(PRIVATE_core "libhwy libutf8proc")
set(DESCRIPTION_media "Images, videos, cameras and windows for streamdiffusion")
set(REQUIRES_media streamdiffusion-core)
set(PRIVATE_media "libavformat libavdevice libavcodec libavutil libswscale libswresample libavfilter libpng libturbojpeg lcms2 zlib")
if(SDL2_FOUND)
  string(APPEND PRIVATE_media " sdl2")
endif()
set(DESCRIPTION_hub "Models from the Hugging Face hub for streamdiffusion")
set(REQUIRES_hub streamdiffusion-core)
set(PRIVATE_hub "libcurl libcrypto")
set(DESCRIPTION_pipeline "Pipelines from a source through a stream to a sink")
set(REQUIRES_pipeline "streamdiffusion-core streamdiffusion-media")
set(PRIVATE_pipeline "")
set(DESCRIPTION_c "Real-time image generation by diffusion: C interface")
foreach(component IN ITEMS c ${LIBRARY_COMPONENTS})
  set(NAME streamdiffusion-${component})
  set(DESCRIPTION ${DESCRIPTION_${component}})
  set(REQUIRES ${REQUIRES_${component}})
  set(LIBRARIES "")
  if(NOT BUILD_SHARED_LIBS AND NOT component STREQUAL "c")
    string(APPEND REQUIRES " ${PRIVATE_${component}}")
    set(LIBRARIES "-lstreamdiffusion-base -lpthread -ldl")
  endif()
  if(component STREQUAL "c")
    set(NAME streamdiffusion)
  endif()
  configure_file(${PROJECT_SOURCE_DIR}/cmake/streamdiffusion.pc.in ${PROJECT_BINARY_DIR}/${NAME}.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/${NAME}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig
          COMPONENT development)
endforeach()
