// Tests that encoders follow the quality that was asked for.

#include <cmath>

#include "media/ffmpeg.h"
#include "support.h"

namespace streamdiffusion::tests {
namespace {

/// A frame with detail in every pixel, so that a lower quality loses some of it.
Frame busy_frame(int number) {
  Frame frame = gradient_frame(64, 48, number);
  for (std::size_t i = 0; i < frame.pixels.size(); i += 3) {
    frame.pixels[i] = static_cast<std::uint8_t>(128 + 90 * std::sin(static_cast<double>(i + number) * 0.31));
  }
  return frame;
}

double mean_square_error(const std::vector<Frame>& frames) {
  double sum = 0;
  std::size_t count = 0;
  for (const Frame& frame : frames) {
    const Frame right = busy_frame(static_cast<int>(frame.number));
    for (std::size_t i = 0; i < frame.pixels.size(); ++i, ++count) {
      const double difference = double{static_cast<double>(frame.pixels[i])} - right.pixels[i];
      sum += difference * difference;
    }
  }
  return sum / static_cast<double>(count);
}

struct Encoder {
  const char* extension;
  const char* name;
};
class EveryEncoder : public testing::TestWithParam<Encoder> {};

TEST_P(EveryEncoder, IsBestAtQuality100) {
  const auto& [extension, name] = GetParam();
  if (*name != '\0' && avcodec_find_encoder_by_name(name) == nullptr) GTEST_SKIP() << "FFmpeg is without it";
  const ScratchFolder folder;
  std::vector<std::uintmax_t> sizes;
  std::vector<double> errors;
  for (const int quality : {0, 50, 100}) {
    SinkOptions options = sink_options(folder / (std::string("a.") + extension));
    options.codec = name;
    options.quality = quality;
    const auto sink = open_sink(options);
    for (int i = 0; i < 4; ++i) sink->write(busy_frame(i));
    sink->finish();
    sizes.push_back(fs::file_size(options.output));
    errors.push_back(mean_square_error(read_all(options.output)));
  }
  EXPECT_LE(sizes[0], sizes[1]);
  EXPECT_LE(sizes[1], sizes[2]);  // ASF pads to full blocks.
  EXPECT_GT(errors[0], errors[1]);
  EXPECT_GT(errors[1], errors[2]);
}
INSTANTIATE_TEST_SUITE_P(Encoders, EveryEncoder,
                         testing::Values(Encoder{"mp4", ""}, Encoder{"webm", ""}, Encoder{"avi", ""},
                                         Encoder{"ogv", ""}, Encoder{"mpg", ""}, Encoder{"wmv", ""},
                                         Encoder{"webm", "libvpx"}, Encoder{"mkv", "libtheora"},
                                         Encoder{"mkv", "mpeg2video"}, Encoder{"mkv", "mjpeg"},
                                         Encoder{"mkv", "librav1e"}, Encoder{"avi", "asv1"},
                                         Encoder{"mov", "svq1"}, Encoder{"mkv", "snow"}));

}  // namespace
}  // namespace streamdiffusion::tests
