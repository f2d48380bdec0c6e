// Prints the versions of the libraries that the program uses. Each version comes from a function of the
// library, so that it is linked.
#include <hwy/targets.h>

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavdevice/avdevice.h>
#include <libavfilter/avfilter.h>
#include <libavformat/avformat.h>
#include <libavutil/avutil.h>
#include <libswresample/swresample.h>
#include <libswscale/swscale.h>
}
#ifdef STREAMDIFFUSION_HAS_SDL2
#include <SDL_version.h>
#endif
#include <curl/curl.h>
#include <lcms2.h>
#include <openssl/crypto.h>
#include <png.h>
#include <prometheus/counter.h>
#include <prometheus/registry.h>
#include <spdlog/spdlog.h>
#include <turbojpeg.h>
#include <utf8proc.h>

#include <CLI/CLI.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/beast/version.hpp>
#include <boost/version.hpp>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>

namespace {

void print(const char* library, const std::string& version) {
  std::printf("%-15s %s\n", library, version.c_str());
}

std::string numbers(unsigned version) {
  return std::to_string(version >> 16) + '.' + std::to_string(version >> 8 & 0xff) + '.' +
         std::to_string(version & 0xff);
}

void print_ffmpeg() {
  print("FFmpeg", av_version_info());
  print("libavcodec", numbers(avcodec_version()));
  print("libavdevice", numbers(avdevice_version()));
  print("libavfilter", numbers(avfilter_version()));
  print("libavformat", numbers(avformat_version()));
  print("libavutil", numbers(avutil_version()));
  print("libswresample", numbers(swresample_version()));
  print("libswscale", numbers(swscale_version()));
}

void print_images_and_text() {
  print("libpng", png_get_libpng_ver(nullptr));
  int factors = 0;
  tjGetScalingFactors(&factors);
  print("TurboJPEG", std::to_string(factors) + " scaling factors");
  print("Little CMS", std::to_string(cmsGetEncodedCMMversion()));
  print("utf8proc", utf8proc_version());
}

void print_network() {
  print("libcurl", curl_version());
  print("OpenSSL", OpenSSL_version(OPENSSL_VERSION));
  boost::asio::io_context context;
  print("Boost", BOOST_LIB_VERSION + std::string(context.stopped() ? " (stopped)" : "") + ", " +
                     BOOST_BEAST_VERSION_STRING);
  print("prometheus-cpp", std::to_string(prometheus::Registry().Collect().size()) + " metrics");
}

}  // namespace

int main() {
  print("Highway", "instruction sets " + std::to_string(hwy::SupportedTargets()));
  print_ffmpeg();
#ifdef STREAMDIFFUSION_HAS_SDL2
  SDL_version sdl;
  SDL_GetVersion(&sdl);
  print("SDL", std::to_string(sdl.major) + '.' + std::to_string(sdl.minor) + '.' + std::to_string(sdl.patch));
#endif
  print_images_and_text();
  print_network();
  print("CLI11", CLI11_VERSION);
  print("nlohmann/json", nlohmann::json::meta()["version"]["string"].get<std::string>());
  print("spdlog", std::to_string(SPDLOG_VERSION) + ' ' + spdlog::default_logger()->name());
}
