// Tests of raw streams and raw video, which take their size and rate from the options.

#include <map>

#include "joined_recording.h"
#include "read_source.h"

namespace streamdiffusion::tests {
namespace {

/// Writes 20 frames as a raw stream; an empty name where FFmpeg is without the encoder.
std::string write_raw_stream(const ScratchFolder& folder, const std::string& name, const std::string& encoder,
                             const std::map<std::string, std::string>& encoder_options = {}) {
  if (avcodec_find_encoder_by_name(encoder.c_str()) == nullptr) return {};
  SinkOptions sink = sink_options(folder / "a.mkv");
  sink.codec = encoder;
  sink.ffmpeg_options = encoder_options;
  write_clip(sink, 20);
  copy_packets(sink.output, folder / name, [](AVPacket&, const AVFormatContext&) { return true; });
  return folder / name;
}

TEST(VideoSource, ReadsRawStreamsAtAGivenRate) {
  const ScratchFolder folder;
  for (const std::string& file : {write_raw_stream(folder, "a.mjpeg", "mjpeg"),
                                  write_raw_stream(folder, "a.hevc", "libx265",
                                                   {{"x265-params", "vui-timing-info=0:log-level=none"}})}) {
    for (const double rate : {10.0, 50.0, 100.0}) {
      if (file.empty()) continue;
      SourceOptions options{.input = file, .frame_rate = rate, .strict = true};
      EXPECT_DOUBLE_EQ(open_source(options)->info().frame_rate, rate) << file;
      const std::vector<Frame> frames = read_all(options);
      ASSERT_EQ(frames.size(), 20U) << file;
      EXPECT_NEAR(static_cast<double>(frames[10].time.count()), 10e6 / rate, 1e3) << file << rate;
    }
  }
}

TEST(VideoSource, SaysWhereARawStreamHasARateOfItsOwn) {
  const ScratchFolder folder;
  const std::string file = write_raw_stream(folder, "a.h264", "libx264");
  if (file.empty()) GTEST_SKIP() << "FFmpeg is without libx264";
  SourceOptions options{.input = file, .frame_rate = 10, .strict = true};
  EXPECT_NE(error_of([&] { open_source(options); }).find("25 frames a second"), std::string::npos);
  options.frame_rate = 25;
  EXPECT_EQ(read_all(options).size(), 20U);
}

TEST(VideoSource, SaysWhereSizeAndRateHaveNoEffect) {
  for (const char* name : {"untagged.mp4", "plain.png"}) {
    std::vector<std::string> warnings;
    SourceOptions options{.input = fixture(name), .width = 16, .height = 16};
    options.on_warning = [&](const std::string& text) { warnings.push_back(text); };
    open_source(options);
    ASSERT_EQ(warnings.size(), 1U) << name;
    EXPECT_NE(warnings[0].find("the size given"), std::string::npos) << warnings[0];
  }
  std::vector<std::string> warnings;
  SourceOptions options{.input = fixture("untagged.mp4"), .frame_rate = 5};
  options.on_warning = [&](const std::string& text) { warnings.push_back(text); };
  open_source(options);
  EXPECT_EQ(warnings.size(), 1U);
  options.strict = true;
  EXPECT_NE(error_of([&] { open_source(options); }).find("the frame rate given"), std::string::npos);
}

TEST(VideoSource, ReadsRawVideoOfAGivenSize) {
  const ScratchFolder folder;
  const Frame frame = gradient_frame(16, 8);
  const std::string bytes(frame.pixels.begin(), frame.pixels.end());
  SourceOptions options{
      .input = folder / "raw", .format = "rawvideo", .width = 16, .height = 8, .frame_rate = 50};
  write_bytes(options.input, bytes + bytes);
  const std::vector<Frame> frames = read_all(options);
  ASSERT_EQ(frames.size(), 2U);
  EXPECT_EQ(frames[1].pixels, frame.pixels);
  EXPECT_EQ(frames[1].time.count(), 20'000);
  write_bytes(options.input, bytes + bytes.substr(0, 100));
  EXPECT_EQ(read_all(options).size(), 1U) << "half a frame is none";
  options.strict = true;
  EXPECT_THROW(read_all(options), Error);
  options.width = 0;
  EXPECT_THROW(read_all(options), Error);
  options.format = "nonsense";
  EXPECT_NE(error_of([&] { read_all(options); }).find("nonsense"), std::string::npos);
}

}  // namespace
}  // namespace streamdiffusion::tests
