#include "media/medium.h"

extern "C" {
#include <libavdevice/avdevice.h>
}

#include <algorithm>
#include <cctype>
#include <filesystem>

namespace streamdiffusion {
namespace {

void register_devices() {
  [[maybe_unused]] static const bool done = [] {
    avdevice_register_all();
    return true;
  }();
}

bool is_screen(const std::string& name) {
  const bool display =
      name.size() > 1 && name[0] == ':' && std::isdigit(static_cast<unsigned char>(name[1])) != 0;
  return name == "screen" || name.starts_with("screen:") || display;
}

bool is_video_device(const std::string& name) { return name.starts_with("/dev/video"); }

bool is_pipe(const std::string& name) {
  std::error_code error;
  return name == "-" || std::filesystem::is_fifo(name, error);
}

}  // namespace

std::string scheme_of(const std::string& name) {
  const std::size_t end = name.find("://");
  if (end == std::string::npos || end == 0) return {};
  const std::string scheme = name.substr(0, end);
  const bool is_word = std::ranges::all_of(scheme, [](unsigned char c) { return std::isalnum(c) != 0; });
  return is_word && scheme != "file" ? scheme : std::string();
}

const AVInputFormat* find_input_device(const std::string& format) {
  register_devices();
  const AVInputFormat* found = av_find_input_format(format.c_str());
  const bool device =
      found != nullptr && found->priv_class != nullptr && AV_IS_INPUT_DEVICE(found->priv_class->category);
  return device ? found : nullptr;
}

const AVOutputFormat* find_output_device(const std::string& format) {
  register_devices();
  const AVOutputFormat* found = av_guess_format(format.c_str(), nullptr, nullptr);
  const bool device =
      found != nullptr && found->priv_class != nullptr && AV_IS_OUTPUT_DEVICE(found->priv_class->category);
  return device ? found : nullptr;
}

Medium input_medium(const std::string& name, const std::string& format) {
  if (!format.empty() && find_input_device(format) != nullptr) return Medium::device;
  if (is_pipe(name)) return Medium::pipe;
  if (format.empty() && (is_screen(name) || is_video_device(name))) return Medium::device;
  return scheme_of(name).empty() ? Medium::file : Medium::address;
}

Medium output_medium(const std::string& name, const std::string& format) {
  if (!format.empty() && find_output_device(format) != nullptr) return Medium::device;
  if (is_pipe(name)) return Medium::pipe;
  if (name == "window") return Medium::window;
  if (format.empty() && is_video_device(name)) return Medium::device;
  return scheme_of(name).empty() ? Medium::file : Medium::address;
}

}  // namespace streamdiffusion
