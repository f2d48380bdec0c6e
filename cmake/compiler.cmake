# What every target of this project is compiled with.
add_library(streamdiffusion_compiler INTERFACE)
target_compile_options(streamdiffusion_compiler INTERFACE
  "$<$<COMPILE_LANGUAGE:CXX>:-Wall;-Wextra;-Wpedantic;-Wshadow;-Wconversion;-Wno-sign-conversion;-Wnon-virtual-dtor;-Woverloaded-virtual>"
  "$<$<COMPILE_LANGUAGE:CUDA>:-Xcompiler=-Wall>")
if(STREAMDIFFUSION_WERROR)
  target_compile_options(streamdiffusion_compiler INTERFACE
    "$<$<COMPILE_LANGUAGE:CXX>:-Werror>" "$<$<COMPILE_LANGUAGE:CUDA>:-Werror=all-warnings>")
endif()
# -O2 where -O3 gains nothing. Kernels have -O3 (src/CMakeLists.txt).
target_compile_options(streamdiffusion_compiler INTERFACE "$<$<AND:$<CONFIG:Release>,$<COMPILE_LANGUAGE:CXX>>:-O2>")
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  # GCC collects its garbage at 128 MB; at 512 MB it compiles the server's coroutines in a tenth less time.
  target_compile_options(streamdiffusion_compiler INTERFACE $<$<COMPILE_LANGUAGE:CXX>:--param=ggc-min-heapsize=524288>)
endif()
if(NOT APPLE)
  target_link_options(streamdiffusion_compiler INTERFACE -Wl,--as-needed)  # a program needs the libraries that it uses
endif()
if(STREAMDIFFUSION_SANITIZE)
  target_compile_options(streamdiffusion_compiler INTERFACE -fsanitize=${STREAMDIFFUSION_SANITIZE}
                         -fno-omit-frame-pointer -fno-sanitize-recover=all)
  if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    # What the sanitizers add hides from GCC what is initialised, and what belongs together: it warns of std::regex and of
    # Boost.Asio's coroutines themselves.
    target_compile_options(streamdiffusion_compiler INTERFACE -Wno-maybe-uninitialized -Wno-mismatched-new-delete)
  endif()
  if(STREAMDIFFUSION_SANITIZE MATCHES thread AND CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    # Boost.Asio has fences of its own, beside the locks that order the same things.
    target_compile_options(streamdiffusion_compiler INTERFACE -Wno-tsan)
  endif()
  target_link_options(streamdiffusion_compiler INTERFACE -fsanitize=${STREAMDIFFUSION_SANITIZE})
endif()
