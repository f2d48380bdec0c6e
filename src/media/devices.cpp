#include "media/devices.h"

extern "C" {
#include <libavdevice/avdevice.h>
}

#include <cstdlib>
#include <memory>

#include "media/live_input.h"
#include "media/medium.h"
#include "media/video_input.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion {

std::vector<InputDevice> list_cameras() {
  ffmpeg::silence_log();
  const AVInputFormat* const v4l2 = find_input_device("v4l2");
  if (v4l2 == nullptr) return {};
  AVDeviceInfoList* list = nullptr;
  avdevice_list_input_sources(v4l2, nullptr, nullptr, &list);
  const std::unique_ptr<AVDeviceInfoList*, void (*)(AVDeviceInfoList**)> owner(&list,
                                                                               avdevice_free_list_devices);
  std::vector<InputDevice> cameras;
  for (int i = 0; list != nullptr && i < list->nb_devices; ++i) {
    cameras.push_back({list->devices[i]->device_name, list->devices[i]->device_description});
  }
  return cameras;
}

std::vector<InputDevice> list_screens() {
  const char* const display = std::getenv("DISPLAY");
  if (display == nullptr) return {};
  try {
    SourceOptions options;
    options.input = "screen";
    Interrupt interrupt(nullptr);
    interrupt.set_timeout(std::chrono::seconds(5));
    const ffmpeg::Input input = open_live_input(options, interrupt);
    const AVStream* const stream = find_video_stream(*input);
    if (stream == nullptr) return {};
    return {{options.input, std::string("X display ") + display, stream->codecpar->width,
             stream->codecpar->height}};
  } catch (const Error&) {
    return {};  // The screen that DISPLAY names does not exist or may not be read.
  }
}

}  // namespace streamdiffusion
