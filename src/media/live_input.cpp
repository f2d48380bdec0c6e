#include "media/live_input.h"

#include <cstdlib>
#include <regex>

#include "media/medium.h"
#include "media/size_and_rate.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion {
namespace {

/// The URL, format and options for FFmpeg to open.
struct Target {
  std::string url;
  const AVInputFormat* format = nullptr;
  ffmpeg::Options options;
};

const AVInputFormat& device(const std::string& name) {
  const AVInputFormat* found = find_input_device(name);
  if (found == nullptr)
    throw MediaError("this FFmpeg has no input device " + name + " (`ffmpeg -devices` lists those it has)");
  return *found;
}

std::string size_text(int width, int height) { return std::to_string(width) + "x" + std::to_string(height); }

std::string display() {
  const char* name = std::getenv("DISPLAY");
  if (name != nullptr && *name != '\0') return name;
  throw MediaError("there is no screen to read: DISPLAY, which names the X server, is not set");
}

void choose_screen(const SourceOptions& options, Target& target) {
  target.format = &device("x11grab");
  if (!options.input.starts_with("screen")) {
    target.url = options.input;
    return;
  }
  target.url = display();
  const ScreenPart part = parse_screen(options.input);
  if (part.width > 0) target.options.set("video_size", size_text(part.width, part.height));
  target.options.set("grab_x", std::to_string(part.x));
  target.options.set("grab_y", std::to_string(part.y));
}

void choose_device(const SourceOptions& options, Target& target) {
  if (!options.format.empty()) {
    target.format = &device(options.format);
    target.url = options.input;
  } else if (options.input.starts_with("/dev/video")) {
    target.format = &device("v4l2");
    target.url = options.input;
  } else {
    choose_screen(options, target);
  }
}

void choose_address(const SourceOptions& options, Target& target) {
  target.url = options.input;
  if (!options.format.empty()) {
    target.format = av_find_input_format(options.format.c_str());
    if (target.format == nullptr)
      throw MediaError("this FFmpeg has no input format " + options.format +
                       " (`ffmpeg -demuxers` lists those it has)");
  }
  // Packets that arrive faster than they are read are lost, which is not an error.
  if (scheme_of(options.input) == "udp") target.options.set("overrun_nonfatal", "1");
  // Time in microseconds for which FFmpeg looks for streams if the format does not state their number.
  target.options.set("analyzeduration", "1000000");
}

Target choose(const SourceOptions& options) {
  Target target;
  if (input_medium(options.input, options.format) == Medium::device) {
    choose_device(options, target);
  } else {
    choose_address(options, target);
  }
  request_size_and_rate(options, target.options);
  target.options.set(options.ffmpeg_options);
  return target;
}

[[noreturn]] void fail(const std::string& input, int code, const Interrupt& interrupt) {
  if (code == AVERROR_EXIT && interrupt.stopped()) throw MediaError("opening " + input + " was stopped");
  if (code == AVERROR_EXIT || interrupt.time_is_up())
    throw MediaError("cannot open " + input + ": no data came in time");
  throw MediaError("cannot open " + input + ": " + ffmpeg::error_text(code));
}

}  // namespace

ScreenPart parse_screen(const std::string& name) {
  static const std::regex kForm(R"(screen(?::([1-9]\d{0,4})x([1-9]\d{0,4})(?:\+(\d{1,5})\+(\d{1,5}))?)?)");
  std::smatch match;
  if (!std::regex_match(name, match, kForm)) {
    throw MediaError("\"" + name +
                     "\" names no part of the screen; write it as screen:640x480 or screen:640x480+100+50");
  }
  const auto number = [&](std::size_t group) { return match[group].matched ? std::stoi(match[group]) : 0; };
  return {number(1), number(2), number(3), number(4)};
}

ffmpeg::Input open_live_input(const SourceOptions& options, Interrupt& interrupt, ContainerColours* colours) {
  ffmpeg::silence_log();
  Target target = choose(options);
  AVFormatContext* context = avformat_alloc_context();
  if (context == nullptr) throw std::bad_alloc();
  context->interrupt_callback = interrupt.callback();
  // Blocking reads of a camera that hangs would not call the interrupt callback.
  if (input_medium(options.input, options.format) == Medium::device) context->flags |= AVFMT_FLAG_NONBLOCK;
  const int opened =
      avformat_open_input(&context, target.url.c_str(), target.format, target.options.address());
  if (opened < 0) fail(options.input, opened, interrupt);
  ffmpeg::Input input(context);
  ffmpeg::check_all_taken(target.options.left_of(options.ffmpeg_options), options.input);
  const std::string untaken = describe_untaken_request(options, target.options);
  if (!untaken.empty() && options.on_warning) options.on_warning(untaken);
  if (colours != nullptr) *colours = ContainerColours(*context);
  const int found = avformat_find_stream_info(context, nullptr);
  if (found < 0 || interrupt.must_stop_waiting())
    fail(options.input, found < 0 ? found : AVERROR_EXIT, interrupt);
  return input;
}

}  // namespace streamdiffusion
