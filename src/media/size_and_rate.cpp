#include "media/size_and_rate.h"

#include "media/video_input.h"

namespace streamdiffusion {
namespace {

// The names that all demuxers and devices of FFmpeg with such an option use.
constexpr const char* kSize = "video_size";
constexpr const char* kRate = "framerate";

}  // namespace

void request_size_and_rate(const SourceOptions& options, ffmpeg::Options& demuxer_options) {
  if (options.width > 0 && options.height > 0) {
    demuxer_options.set(kSize, std::to_string(options.width) + "x" + std::to_string(options.height));
  }
  if (options.frame_rate > 0) demuxer_options.set(kRate, std::to_string(options.frame_rate));
}

bool takes_rate(const AVInputFormat& format) {
  const AVClass* options = format.priv_class;
  return options != nullptr && av_opt_find(&options, kRate, nullptr, 0, AV_OPT_SEARCH_FAKE_OBJ) != nullptr;
}

std::string describe_untaken_request(const SourceOptions& options, const ffmpeg::Options& left) {
  const bool has_size = !left.left_of({{kSize, {}}}).empty();
  const bool has_rate = !left.left_of({{kRate, {}}}).empty();
  if (!has_size && !has_rate) return {};
  const std::string what = !has_rate  ? "the size"
                           : has_size ? "the size and the frame rate"
                                      : "the frame rate";
  return what + " given for " + input_name(options.input) + (has_size && has_rate ? " have" : " has") +
         " no effect: its format has its own";
}

}  // namespace streamdiffusion
