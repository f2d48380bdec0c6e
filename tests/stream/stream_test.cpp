#include "streamdiffusion/stream.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "streamdiffusion/error.h"
#include "tiny_model.h"

namespace streamdiffusion {
namespace {

using namespace tests;

std::vector<std::int64_t> count_from(std::int64_t first, std::int64_t count) {
  std::vector<std::int64_t> values(static_cast<std::size_t>(count));
  std::iota(values.begin(), values.end(), first);
  return values;
}

class StreamTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { model_ = load_tiny_model(); }
  static void TearDownTestSuite() { model_.reset(); }

  static Stream make(const Parameters& parameters, const StreamOptions& options = make_options()) {
    return {model_, options, parameters};
  }
  /// The result of a single frame in a stream of its own.
  static Frame alone(const Parameters& parameters, std::int64_t number) {
    return generate_image(make(parameters), make_frame(number));
  }

  static std::shared_ptr<Model> model_;
};
std::shared_ptr<Model> StreamTest::model_;

struct Guidance {
  CfgType type;
  float scale;
};

TEST_F(StreamTest, EveryFrameComesOutOnceInOrderWithItsNumberAndTime) {
  for (const int frame_buffer : {1, 2}) {
    for (const std::vector<int>& steps : {std::vector<int>{30}, {22, 32, 45}, {0, 16, 32, 45}}) {
      Stream stream = make(make_parameters(steps), make_options(frame_buffer));
      const std::vector<Frame> out = run_frames(stream, 0, 6);
      EXPECT_EQ(numbers(out), count_from(0, 6));
      for (const Frame& frame : out) {
        EXPECT_EQ(frame.time, make_frame(frame.number).time);
      }
    }
  }
}

TEST_F(StreamTest, AFrameComesOutNMinusOneStepsAfterItWentIn) {
  Stream stream = make(make_parameters({22, 32, 45}));
  EXPECT_TRUE(step_frames(stream, 0, 2).empty());
  EXPECT_EQ(numbers(step_frames(stream, 2, 1)), count_from(0, 1));
}

TEST_F(StreamTest, EveryFrameFromTheFirstOnIsWhatItBecomesAlone) {
  for (const Guidance& guidance : {Guidance{CfgType::none, 1.0F}, Guidance{CfgType::full, 1.6F},
                                   Guidance{CfgType::self, 1.4F}, Guidance{CfgType::initialize, 1.5F}}) {
    for (const int frame_buffer : {1, 3}) {
      Parameters parameters = make_parameters();
      parameters.cfg_type = guidance.type;
      parameters.guidance_scale = guidance.scale;
      Stream stream = make(parameters, make_options(frame_buffer));
      for (const Frame& frame : run_frames(stream, 0, 6)) {
        EXPECT_LE(difference(frame, alone(parameters, frame.number)), 1)
            << to_string(guidance.type) << ", frame " << frame.number << " of buffers of " << frame_buffer;
      }
    }
  }
}

TEST_F(StreamTest, SequentialModeGivesTheSameImagesWithoutDelay) {
  Parameters parameters = make_parameters();
  parameters.cfg_type = CfgType::self;
  parameters.guidance_scale = 1.4F;
  Stream stream = make(parameters, make_options(2, false));
  const std::vector<Frame> out = step_frames(stream, 0, 4);
  ASSERT_EQ(numbers(out), count_from(0, 4));
  EXPECT_LE(difference(out[3], alone(parameters, 3)), 1);
  EXPECT_TRUE(drain_all(stream).empty());
}

TEST_F(StreamTest, AnImageLeavesTheFramesInFlightAlone) {
  Stream stream = make(make_parameters());
  step_frames(stream, 0, 2);
  generate_image(stream, make_frame(77));
  const std::vector<Frame> out = run_frames(stream, 2, 1);
  ASSERT_EQ(numbers(out), count_from(0, 3));
  EXPECT_LE(difference(out[1], alone(make_parameters(), 1)), 1);
}

TEST_F(StreamTest, AfterDrainingItStartsAnew) {
  Stream stream = make(make_parameters());
  run_frames(stream, 0, 3);
  const std::vector<Frame> out = run_frames(stream, 10, 3);
  ASSERT_EQ(numbers(out), count_from(10, 3));
  EXPECT_LE(difference(out[0], alone(make_parameters(), 10)), 1);
}

TEST_F(StreamTest, SizesWithOddLatentSidesWork) {
  StreamOptions options = make_options();
  options.width = 72;
  options.height = 40;
  Stream stream = make(make_parameters(), options);
  const std::vector<Frame> out = run_frames(stream, 0, 3);
  ASSERT_EQ(numbers(out), count_from(0, 3));
  EXPECT_EQ(out[0].width, 72);
  EXPECT_EQ(out[0].height, 40);
}

TEST_F(StreamTest, OneStepSelfGuidanceStaysTheSameOverTenThousandFrames) {
  Parameters parameters = make_parameters({32});
  parameters.cfg_type = CfgType::self;
  parameters.guidance_scale = 1.7F;
  StreamOptions options = make_options();
  options.width = options.height = 16;
  Stream stream = make(parameters, options);
  const std::vector<Frame> in = {make_frame(0, 16, 16)};
  std::vector<Frame> out;
  step(stream, in, out);
  const Frame first = out.at(0);
  for (int i = 1; i < 10'000; ++i) {
    step(stream, in, out);
  }
  EXPECT_EQ(difference(out.at(0), first), 0);
}

TEST_F(StreamTest, CrossFrameAttentionKeepsNegativeRowsApart) {
  for (const CfgType type : {CfgType::full, CfgType::initialize}) {
    Parameters parameters = make_parameters({30});
    parameters.cfg_type = type;
    parameters.guidance_scale = 2.0F;
    const Frame without = alone(parameters, 0);
    parameters.cross_frame_attention = true;  // A single row attends only to itself.
    EXPECT_LE(difference(alone(parameters, 0), without), 1) << to_string(type);
  }
}

TEST_F(StreamTest, CrossFrameAttentionLetsRowsSeeOneAnother) {
  Parameters parameters = make_parameters();
  const Frame without = alone(parameters, 0);
  parameters.cross_frame_attention = true;
  Stream stream = make(parameters);
  EXPECT_GT(difference(run_frames(stream, 0, 3).at(0), without), 1);
}

TEST_F(StreamTest, TextToImageGivesTheImagesOfTheSameSeedWhetherBatchedOrNot) {
  const Parameters parameters = make_parameters({0, 16, 32, 45});
  Stream batched = make(parameters, make_options(2));
  std::vector<Frame> images;
  std::vector<Frame> out;
  for (int i = 0; i < 4; ++i) {
    generate(batched, out);
    images.insert(images.end(), out.begin(), out.end());
  }
  const std::vector<Frame> rest = drain_all(batched);
  images.insert(images.end(), rest.begin(), rest.end());
  ASSERT_EQ(numbers(images), count_from(0, 8));

  Stream single = make(parameters);
  for (const Frame& image : images) {
    EXPECT_LE(difference(image, generate_image(single)), 1) << image.number;
  }
}

TEST_F(StreamTest, TextToImageGivesAnotherImageEachTimeWithAnyNumberOfSteps) {
  for (const std::vector<int>& steps : {std::vector<int>{0}, {0, 25}, {0, 16, 32, 45}}) {
    Stream stream = make(make_parameters(steps));
    const Frame first = generate_image(stream);
    EXPECT_GT(difference(first, generate_image(stream)), 64);
  }
}

TEST_F(StreamTest, TextToImageInSequentialModeComesOutAtOnce) {
  const Parameters parameters = make_parameters({0, 25});
  Stream together = make(parameters, make_options(3, false));
  std::vector<Frame> out;
  generate(together, out);
  ASSERT_EQ(numbers(out), count_from(0, 3));
  Stream single = make(parameters);
  for (const Frame& image : out) {
    EXPECT_LE(difference(image, generate_image(single)), 1);
  }
}

TEST_F(StreamTest, FramesAfterTextToImageMeetTheFixedNoiseAgain) {
  Stream stream = make(make_parameters());
  std::vector<Frame> out;
  generate(stream, out);
  generate(stream, out);
  drain_all(stream);
  for (const Frame& frame : run_frames(stream, 0, 3)) {
    EXPECT_LE(difference(frame, alone(make_parameters(), frame.number)), 1);
  }
}

TEST_F(StreamTest, TextToImageWithCrossFrameAttentionStartsFromAnImage) {
  Parameters parameters = make_parameters({0, 16, 32, 45});
  parameters.cross_frame_attention = true;
  Stream stream = make(parameters);
  std::vector<Frame> out;
  for (int i = 0; i < 4; ++i) {
    generate(stream, out);
  }
  EXPECT_EQ(numbers(out), count_from(0, 1));
}

TEST_F(StreamTest, AnotherSeedGivesAnotherImageAndTheSameSeedTheSame) {
  Parameters parameters = make_parameters();
  const Frame first = alone(parameters, 0);
  EXPECT_EQ(difference(first, alone(parameters, 0)), 0);
  parameters.seed = 3;
  EXPECT_GT(difference(first, alone(parameters, 0)), 1);
}

TEST_F(StreamTest, BadFramesAreRefusedAndLeaveTheStreamAsItWas) {
  Stream stream = make(make_parameters());
  std::vector<Frame> out;
  step_frames(stream, 0, 2);
  EXPECT_THROW(step(stream, {}, out), Error);
  EXPECT_THROW(step(stream, {make_frame(2), make_frame(3)}, out), Error);
  EXPECT_THROW(step(stream, {make_frame(2, kSize, kSize + 8)}, out), Error);
  Frame cut = make_frame(2);
  cut.pixels.pop_back();
  EXPECT_THROW(step(stream, {cut}, out), Error);
  EXPECT_THROW(generate_image(stream, cut), Error);
  const std::vector<Frame> rest = run_frames(stream, 2, 1);
  EXPECT_EQ(numbers(rest), count_from(0, 3));
  EXPECT_LE(difference(rest.at(1), alone(make_parameters(), 1)), 1);
}

TEST_F(StreamTest, SizesThatAreNoMultipleOfEightOrTooLargeAreErrors) {
  const auto message = [](int width, int height, int frame_buffer) -> std::string {
    try {
      make(make_parameters(), {.width = width, .height = height, .frame_buffer_size = frame_buffer});
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  };
  EXPECT_EQ(message(100, 64, 1), "width is 100, must be a multiple of 8, as 96 or 104");
  EXPECT_NE(message(64, 0, 1).find("height is 0"), std::string::npos);
  EXPECT_NE(message(-8, 64, 1).find("width is -8"), std::string::npos);
  EXPECT_NE(message(65536, 65536, 1).find("memory"), std::string::npos);
  EXPECT_NE(message(std::numeric_limits<int>::max(), 64, 1).find("too large"), std::string::npos);
  EXPECT_NE(message(1 << 30, 64, 1).find("too large"), std::string::npos);
  EXPECT_NE(message(64, 64, 0).find("frame_buffer_size is 0"), std::string::npos);
}

TEST_F(StreamTest, AStreamWithoutAModelIsRefused) {
  EXPECT_THROW(Stream(nullptr, make_options(), make_parameters()), ArgumentError);
}

TEST_F(StreamTest, CountsStepsAndTime) {
  Stream stream = make(make_parameters());
  step_frames(stream, 0, 3);
  EXPECT_EQ(stream.statistics().steps, 3);
  EXPECT_EQ(stream.statistics().skipped, 0);
  EXPECT_GT(stream.statistics().encode_seconds, 0);
  EXPECT_GT(stream.statistics().unet_seconds, 0);
  EXPECT_GT(stream.statistics().decode_seconds, 0);
}

}  // namespace
}  // namespace streamdiffusion
