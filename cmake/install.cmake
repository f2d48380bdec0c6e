# Installs the program with the default model, and the library with its headers and its CMake package. The components
# correspond to the Debian packages (packages.cmake).
include(CMakePackageConfigHelpers)

set(PACKAGE_FOLDER ${CMAKE_INSTALL_LIBDIR}/cmake/streamdiffusion)
install(TARGETS streamdiffusion_cli RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT program)
install(TARGETS streamdiffusion EXPORT streamdiffusionTargets
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT development
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT program NAMELINK_COMPONENT development)
if(STREAMDIFFUSION_HAS_CUDA)
  install(TARGETS streamdiffusion_cuda LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT program)
endif()
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/streamdiffusion DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
        COMPONENT development)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/models/default ${PROJECT_SOURCE_DIR}/models/loras
        DESTINATION ${CMAKE_INSTALL_DATADIR}/streamdiffusion/models COMPONENT program)

install(EXPORT streamdiffusionTargets NAMESPACE streamdiffusion:: DESTINATION ${PACKAGE_FOLDER} COMPONENT development)
configure_package_config_file(
  ${PROJECT_SOURCE_DIR}/cmake/streamdiffusionConfig.cmake.in ${PROJECT_BINARY_DIR}/streamdiffusionConfig.cmake
  INSTALL_DESTINATION ${PACKAGE_FOLDER})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/streamdiffusionConfigVersion.cmake
                                 COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/streamdiffusionConfig.cmake
              ${PROJECT_BINARY_DIR}/streamdiffusionConfigVersion.cmake
        DESTINATION ${PACKAGE_FOLDER} COMPONENT development)
