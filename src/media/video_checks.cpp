#include "media/video_checks.h"

extern "C" {
#include <libavutil/dovi_meta.h>
}

#include <cmath>
#include <cstdio>
#include <string>

#include "media/container_end.h"
#include "media/flv_codec.h"
#include "media/frame_geometry.h"
#include "media/size_and_rate.h"
#include "media/video_input.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion {
namespace {

void check_flv_codec(const std::filesystem::path& path, const ProblemReport& problems) {
  constexpr unsigned kFirstThatKnows = AV_VERSION_INT(60, 16, 100);  // FFmpeg 6.1
  if (avformat_version() >= kFirstThatKnows) return;
  const std::string codec = enhanced_flv_codec(path);
  if (codec.empty()) return;
  throw MediaError(
      "cannot read " + problems.name() + ": its codec is " + codec +
      ", which FFmpeg before 6.1 does not know in FLV; remux it to Matroska or MP4 with a newer one");
}

void check_end(const std::filesystem::path& path, const ProblemReport& problems) {
  switch (examine_end(path)) {
    case ContainerEnd::whole:
      break;
    case ContainerEnd::cut_short:
      problems.report("the video " + problems.name() +
                      " is cut short: its end is missing; copy or download it again");
      break;
    case ContainerEnd::goes_on:
      problems.report(problems.name() +
                      " goes on with a second recording, which FFmpeg does not read; join recordings with "
                      "`ffmpeg -f concat`");
      break;
  }
}

}  // namespace

void check_file(const std::filesystem::path& path, const ProblemReport& problems) {
  check_flv_codec(path, problems);
  check_end(path, problems);
}

void check_size(const AVStream& stream, const ProblemReport& problems) {
  const AVCodecParameters& parameters = *stream.codecpar;
  if (std::int64_t{parameters.width} * parameters.height <= ffmpeg::kMaxPixels) return;
  throw MediaError(problems.name() + " states a size of " + std::to_string(parameters.width) + "x" +
                   std::to_string(parameters.height) + ", which is too large");
}

void check_dolby_vision(const AVStream& stream, const ProblemReport& problems) {
  // Profile 5 of Dolby Vision has colours of its own; the others can be shown as HDR or SDR.
  constexpr int kOwnColours = 5;
  const auto* const configuration =
      reinterpret_cast<const AVDOVIDecoderConfigurationRecord*>(stream_data(stream, AV_PKT_DATA_DOVI_CONF));
  if (configuration == nullptr || configuration->dv_profile != kOwnColours) return;
  problems.report(
      "the video " + problems.name() +
      " is HDR (Dolby Vision, profile 5), which is read as if it were SDR: its colours are wrong, green "
      "and purple; convert it to SDR first, for example with FFmpeg's filter libplacebo");
}

void check_rate(double wanted, double frame_rate, const AVInputFormat& format,
                const ProblemReport& problems) {
  // Raw streams may hold a rate of their own, which FFmpeg prefers to the one that it is asked for.
  if (wanted <= 0 || !takes_rate(format) || std::abs(frame_rate / wanted - 1) < 1e-3) return;
  char rate[32];
  std::snprintf(rate, sizeof(rate), "%.6g", frame_rate);
  problems.report("the frame rate given for " + problems.name() +
                  " has no effect: the stream says that it has " + rate + " frames a second");
}

void check_turn(const AVStream& stream, const AVFrame& frame, const ProblemReport& problems) {
  const std::int32_t* const given = shown_matrix(stream, frame);
  if (given == nullptr || is_quarter_turn(given)) return;
  const long degrees = std::lround(360 - av_display_rotation_get(given)) % 360;
  problems.report(problems.name() + " is to be shown rotated by " + std::to_string(degrees) +
                  " degrees clockwise; it is read at the nearest multiple of 90 degrees");
}

}  // namespace streamdiffusion
