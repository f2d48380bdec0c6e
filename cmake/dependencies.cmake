# Finds third-party libraries. On Debian and Ubuntu, scripts/install-dependencies installs all of them.
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(HWY REQUIRED IMPORTED_TARGET libhwy)
# Kernels are compiled for AVX-512, AVX2 and NEON, with a scalar version for other processors, and some also for AVX-512 with
# VNNI (src/device/cpu/simd/vnni_targets.h). SVE is disabled because its vector size is not known at compile time. Newer versions of
# Highway have targets from which the kernels gain nothing: SSE2 and those below HWY_AVX3_DL (AVX3_ZEN4, AVX3_SPR, AVX10_2).
# They are disabled by their bits, because the oldest supported version does not name them. Without EMU128, the scalar version
# is the same on every processor.
set(HWY_NEWER_TARGETS "0x7FLL|(1LL<<14)")
set(HWY_DEFINITIONS
    "STREAMDIFFUSION_DISABLED_TARGETS=(HWY_SSSE3|HWY_SSE4|HWY_SVE|HWY_SVE2|HWY_SVE_256|HWY_SVE2_128|${HWY_NEWER_TARGETS})" HWY_BROKEN_EMU128=1
    "HWY_DISABLED_TARGETS=(STREAMDIFFUSION_DISABLED_TARGETS|HWY_AVX3_DL)")
pkg_check_modules(UTF8PROC REQUIRED IMPORTED_TARGET libutf8proc)
find_package(nlohmann_json REQUIRED)
if(media IN_LIST COMPONENTS)
  pkg_check_modules(FFMPEG REQUIRED IMPORTED_TARGET libavformat libavdevice libavcodec libavutil libswscale
                    libswresample libavfilter)
  pkg_check_modules(SDL2 IMPORTED_TARGET sdl2)  # optional: without it, opening a window is an error
  pkg_check_modules(PNG REQUIRED IMPORTED_TARGET libpng)
  find_package(ZLIB REQUIRED)  # a dependency of libpng, so it is always installed
  pkg_check_modules(TURBOJPEG REQUIRED IMPORTED_TARGET libturbojpeg)
  pkg_check_modules(LCMS2 REQUIRED IMPORTED_TARGET lcms2)
endif()
if(hub IN_LIST COMPONENTS)
  pkg_check_modules(CURL REQUIRED IMPORTED_TARGET libcurl)
  pkg_check_modules(CRYPTO REQUIRED IMPORTED_TARGET libcrypto)
endif()
if(NOT program IN_LIST COMPONENTS)
  return()
endif()
find_package(CLI11 REQUIRED)
find_package(spdlog REQUIRED)
find_package(Boost 1.74 REQUIRED CONFIG)  # only the headers of Asio and Beast
find_package(OpenSSL 3 REQUIRED)
find_package(prometheus-cpp REQUIRED CONFIG)

# A small program that uses all these libraries. It shows within seconds if a system's packages are suitable.
add_executable(check_dependencies EXCLUDE_FROM_ALL ${CMAKE_CURRENT_LIST_DIR}/check_dependencies.cpp)
target_compile_options(check_dependencies PRIVATE -include utility)  # Boost 1.74's awaitable.hpp does not include it
target_link_libraries(check_dependencies PRIVATE PkgConfig::HWY PkgConfig::FFMPEG PkgConfig::PNG PkgConfig::TURBOJPEG PkgConfig::LCMS2
                      PkgConfig::UTF8PROC PkgConfig::CURL PkgConfig::CRYPTO nlohmann_json::nlohmann_json CLI11::CLI11 spdlog::spdlog Boost::headers
                      OpenSSL::SSL prometheus-cpp::core Threads::Threads)
if(SDL2_FOUND)
  target_link_libraries(check_dependencies PRIVATE PkgConfig::SDL2)
  target_compile_definitions(check_dependencies PRIVATE STREAMDIFFUSION_HAS_SDL2)
endif()
