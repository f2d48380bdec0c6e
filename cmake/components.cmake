# The components of the library. Each is a target streamdiffusion::NAME, and a component of find_package(streamdiffusion).
set(STREAMDIFFUSION_COMPONENTS "core;media;hub;pipeline;program" CACHE STRING
    "What to build: core, media, hub, pipeline (which takes media) and program (which takes all)")
set(COMPONENTS ${STREAMDIFFUSION_COMPONENTS})
foreach(component IN LISTS COMPONENTS)
  if(NOT component MATCHES "^(core|media|hub|pipeline|program)$")
    message(FATAL_ERROR "STREAMDIFFUSION_COMPONENTS has no component ${component}; there are core, media, hub, pipeline and program")
  endif()
endforeach()
if(program IN_LIST COMPONENTS)
  set(COMPONENTS core media hub pipeline program)
elseif(pipeline IN_LIST COMPONENTS)
  list(APPEND COMPONENTS media)
endif()
list(PREPEND COMPONENTS core)
list(REMOVE_DUPLICATES COMPONENTS)
set(LIBRARY_COMPONENTS ${COMPONENTS})
list(REMOVE_ITEM LIBRARY_COMPONENTS program)

# Before version 1.0, a minor version may change the binary interface.
set(LIBRARY_SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})

# streamdiffusion_component(NAME SOURCES source... [PUBLIC target...] [PRIVATE target...])
#
# Adds the static library streamdiffusion_NAME, which the program and the tests link. With BUILD_SHARED_LIBS, adds
# streamdiffusion_NAME_shared, too, which is installed in its place. It exports only what STREAMDIFFUSION_API marks. The program
# and the tests use internal functions, so they cannot link it.
function(streamdiffusion_component name)
  cmake_parse_arguments(PARSE_ARGV 1 ARG "" "" "SOURCES;PUBLIC;PRIVATE")
  set(library streamdiffusion_${name})
  add_library(${library} STATIC ${ARG_SOURCES})
  add_library(streamdiffusion::${name} ALIAS ${library})
  set_target_properties(${library} PROPERTIES EXPORT_NAME ${name} OUTPUT_NAME streamdiffusion-${name}
    POSITION_INDEPENDENT_CODE ON CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON UNITY_BUILD_MODE GROUP)
  target_include_directories(${library} PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:include>
                             PRIVATE ${PROJECT_SOURCE_DIR}/src)
  target_compile_features(${library} PUBLIC cxx_std_20)
  target_compile_definitions(${library} PRIVATE ${HWY_DEFINITIONS} STREAMDIFFUSION_VERSION="${PROJECT_VERSION}"
                             STREAMDIFFUSION_LIBRARY_FOLDER="${CMAKE_INSTALL_LIBDIR}")
  list(TRANSFORM ARG_PUBLIC PREPEND streamdiffusion_ OUTPUT_VARIABLE static_public)
  target_link_libraries(${library} PUBLIC ${static_public} PRIVATE $<BUILD_INTERFACE:streamdiffusion_compiler> ${ARG_PRIVATE})
  if(BUILD_SHARED_LIBS AND NOT name STREQUAL "base")
    set(shared ${library}_shared)
    add_library(${shared} SHARED $<TARGET_OBJECTS:${library}>)
    set_target_properties(${shared} PROPERTIES EXPORT_NAME ${name} OUTPUT_NAME streamdiffusion-${name} LINKER_LANGUAGE CXX
      VERSION ${PROJECT_VERSION} SOVERSION ${LIBRARY_SOVERSION})
    target_include_directories(${shared} INTERFACE $<INSTALL_INTERFACE:include>)
    target_compile_features(${shared} INTERFACE cxx_std_20)
    list(TRANSFORM static_public APPEND _shared OUTPUT_VARIABLE shared_public)
    target_link_libraries(${shared} PUBLIC ${shared_public} PRIVATE $<BUILD_INTERFACE:streamdiffusion_compiler> ${ARG_PRIVATE})
    target_link_options(${shared} PRIVATE -Wl,--no-undefined)
  endif()
endfunction()
