# Configures CPack for Debian packages, which scripts/package builds: the program with the default model, and the library for
# developers.
set(STREAMDIFFUSION_PACKAGE_MAINTAINER "streamdiffusion.cpp authors <authors@streamdiffusion.invalid>" CACHE STRING
    "Who answers for the Debian packages: NAME <ADDRESS>")

# Licences, in the place that Debian's policy requires. EXCLUDE_FROM_ALL keeps them out of `cmake --install`.
file(READ ${PROJECT_SOURCE_DIR}/NOTICE notice)
file(READ ${PROJECT_SOURCE_DIR}/LICENSE licence)
file(WRITE ${PROJECT_BINARY_DIR}/copyright "${notice}\n\n${licence}")
install(FILES ${PROJECT_BINARY_DIR}/copyright DESTINATION ${CMAKE_INSTALL_DATAROOTDIR}/doc/streamdiffusion
        COMPONENT program EXCLUDE_FROM_ALL)
install(FILES ${PROJECT_BINARY_DIR}/copyright DESTINATION ${CMAKE_INSTALL_DATAROOTDIR}/doc/libstreamdiffusion-dev
        COMPONENT development EXCLUDE_FROM_ALL)

# The target `manual` makes manual pages from the program's help.
find_program(HELP2MAN help2man)
if(HELP2MAN)
  set(pages "")
  foreach(command "" txt2img img2img run serve models devices bench)
    string(REGEX REPLACE "(.+)" "-\\1" suffix "${command}")
    set(page ${PROJECT_BINARY_DIR}/man/streamdiffusion${suffix}.1)
    add_custom_command(OUTPUT ${page}.gz DEPENDS streamdiffusion_cli VERBATIM
      COMMAND ${CMAKE_COMMAND} -E make_directory ${PROJECT_BINARY_DIR}/man
      COMMAND ${HELP2MAN} --no-info "--name=redraws videos and images according to a prompt" --version-string=${PROJECT_VERSION}
              "--help-option=${command} --help" --output=${page} $<TARGET_FILE:streamdiffusion_cli>
      COMMAND sed -i "4s/^streamdiffusion/streamdiffusion${suffix}/" ${page}  # the page's name
      COMMAND gzip -9nf ${page})
    list(APPEND pages ${page}.gz)
  endforeach()
  add_custom_target(manual DEPENDS ${pages})
  install(FILES ${pages} DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT program OPTIONAL)
endif()

# The release number contains the system's name and version, because packages for different systems depend on different
# libraries.
set(ID "")
set(VERSION_ID "")
if(EXISTS /etc/os-release)
  file(STRINGS /etc/os-release lines REGEX "^(ID|VERSION_ID)=")
  foreach(line ${lines})
    string(REGEX MATCH "^([A-Z_]+)=\"?([^\"]*)" line "${line}")
    set(${CMAKE_MATCH_1} ${CMAKE_MATCH_2})
  endforeach()
endif()

# Programs must link the dependencies of a static library, so the development package depends on their packages.
execute_process(COMMAND ${PROJECT_SOURCE_DIR}/scripts/install-dependencies --list library
                OUTPUT_VARIABLE libraries OUTPUT_STRIP_TRAILING_WHITESPACE)
string(REPLACE "\n" ", " libraries "${libraries}")

set(CPACK_GENERATOR DEB)
set(CPACK_COMPONENTS_ALL program development)
set(CPACK_STRIP_FILES ON)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1~${ID}${VERSION_ID})
set(CPACK_DEBIAN_PACKAGE_MAINTAINER ${STREAMDIFFUSION_PACKAGE_MAINTAINER})

set(CPACK_DEBIAN_PROGRAM_PACKAGE_NAME streamdiffusion)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_SECTION graphics)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_RECOMMENDS "ca-certificates, libvulkan1")  # for downloads of models; for --device vulkan
set(CPACK_COMPONENT_PROGRAM_DESCRIPTION "real-time image generation and video redrawing by diffusion models
Redraws cameras, screens, videos and drawings after a prompt while they change.
It reads the models of Hugging Face diffusers and comes with a small one.
The command serve serves a page for the browser.")

set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME libstreamdiffusion-dev)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SHLIBDEPS ON)  # for the C interface, a shared library
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS "pkg-config, ${libraries}")
set(CPACK_COMPONENT_DEVELOPMENT_DESCRIPTION "real-time image generation by diffusion models, C++ library
Static libraries, the shared library of the C interface, headers, CMake package and pkg-config files of streamdiffusion.cpp.")
include(CPack)
