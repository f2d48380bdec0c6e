# What every target of this project is compiled with.
add_library(streamdiffusion_compiler INTERFACE)
target_compile_options(streamdiffusion_compiler INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion
                       -Wno-sign-conversion -Wnon-virtual-dtor -Woverloaded-virtual -Werror)
if(STREAMDIFFUSION_SANITIZE)
  target_compile_options(streamdiffusion_compiler INTERFACE -fsanitize=${STREAMDIFFUSION_SANITIZE}
                         -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(streamdiffusion_compiler INTERFACE -fsanitize=${STREAMDIFFUSION_SANITIZE})
endif()
