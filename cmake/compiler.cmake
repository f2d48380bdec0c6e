# Compile and link options of every target of this project.
add_library(streamdiffusion_compiler INTERFACE)
target_compile_options(streamdiffusion_compiler INTERFACE
  "$<$<COMPILE_LANGUAGE:CXX>:-Wall;-Wextra;-Wpedantic;-Wshadow;-Wconversion;-Wno-sign-conversion;-Wnon-virtual-dtor;-Woverloaded-virtual>"
  "$<$<COMPILE_LANGUAGE:CUDA>:-Xcompiler=-Wall>")
if(STREAMDIFFUSION_WERROR)
  target_compile_options(streamdiffusion_compiler INTERFACE
    "$<$<COMPILE_LANGUAGE:CXX>:-Werror>" "$<$<COMPILE_LANGUAGE:CUDA>:-Werror=all-warnings>")
endif()
# -O2 for all code that does not gain from -O3. Kernels use -O3 (src/CMakeLists.txt).
target_compile_options(streamdiffusion_compiler INTERFACE "$<$<AND:$<CONFIG:Release>,$<COMPILE_LANGUAGE:CXX>>:-O2>")
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  # GCC starts its garbage collector at 128 MB by default. With 512 MB it compiles the server's coroutines in 10% less time.
  target_compile_options(streamdiffusion_compiler INTERFACE $<$<COMPILE_LANGUAGE:CXX>:--param=ggc-min-heapsize=524288>)
endif()
if(NOT APPLE)
  target_link_options(streamdiffusion_compiler INTERFACE -Wl,--as-needed)  # depends only on libraries that are used
endif()
if(STREAMDIFFUSION_SANITIZE)
  target_compile_options(streamdiffusion_compiler INTERFACE -fsanitize=${STREAMDIFFUSION_SANITIZE}
                         -fno-omit-frame-pointer -fno-sanitize-recover=all)
  if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    # Code that the sanitizers insert causes false warnings in GCC of uninitialised variables in std::regex.
    target_compile_options(streamdiffusion_compiler INTERFACE -Wno-maybe-uninitialized)
  endif()
  if(STREAMDIFFUSION_SANITIZE MATCHES thread AND CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    # The thread sanitizer does not support Boost.Asio's atomic fences. Locks order the same accesses, so it misses nothing.
    target_compile_options(streamdiffusion_compiler INTERFACE -Wno-tsan)
  endif()
  target_link_options(streamdiffusion_compiler INTERFACE -fsanitize=${STREAMDIFFUSION_SANITIZE})
endif()

# Prepares targets for unity builds, which CMAKE_UNITY_BUILD turns on: there GCC warns of names that shadow those of another
# source, and of classes with members from anonymous namespaces, as it would in a header.
function(streamdiffusion_prepare_unity_build)
  if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    set_target_properties(${ARGN} PROPERTIES UNITY_BUILD_CODE_BEFORE_INCLUDE
      "#pragma GCC diagnostic ignored \"-Wshadow\"\n#pragma GCC diagnostic ignored \"-Wsubobject-linkage\"")
  endif()
endfunction()
