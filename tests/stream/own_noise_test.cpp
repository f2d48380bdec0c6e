#include <gtest/gtest.h>

#include <limits>

#include "streamdiffusion/error.h"
#include "streamdiffusion/random_generator.h"
#include "streamdiffusion/stream.h"
#include "tiny_model.h"

namespace streamdiffusion {
namespace {

using tests::difference;
using tests::load_tiny_model;
using tests::make_options;
using tests::make_parameters;

/// The random sequence of a stream, from the noise that follows its fixed noise.
class StreamNoise {
 public:
  StreamNoise(const Stream& stream, std::size_t steps)
      : generator_(stream.parameters().seed), row_(stream.latent_shape().elements()), steps_(steps) {
    draw(1);
  }

  /// Returns the noise of the next `frames` frames, for each of their steps.
  std::vector<float> draw(std::size_t frames) {
    std::vector<float> all(frames * steps_ * row_);
    const std::size_t at_once = first_ ? all.size() : row_;  // the fixed noise is drawn for all steps at once
    for (std::size_t i = 0; i < all.size(); i += at_once) {
      generator_.randn(std::span(all).subspan(i, at_once));
    }
    first_ = false;
    return all;
  }

 private:
  RandomGenerator generator_;
  std::size_t row_;
  std::size_t steps_;
  bool first_ = true;
};

std::vector<Frame> make_outputs(const Stream& stream) {
  Frame frame;
  frame.resize(stream.options().width, stream.options().height);
  return std::vector<Frame>(static_cast<std::size_t>(stream.options().frame_buffer_size), frame);
}

/// Generates from `noise`. Returns the frames that are finished.
std::vector<Frame> generate_from(Stream& stream, std::span<const float> noise) {
  std::vector<Frame> frames = make_outputs(stream);
  std::vector<OutputFrame> outputs;
  for (Frame& frame : frames) {
    outputs.emplace_back(frame.view());
  }
  frames.resize(stream.generate(noise, outputs));
  return frames;
}

class OwnNoise : public testing::Test {
 protected:
  static Stream make(const StreamOptions& options) {
    return {load_tiny_model(), options, make_parameters({0, 16, 45})};
  }
};

TEST_F(OwnNoise, TheNoiseThatTheStreamWouldDrawGivesTheSameImages) {
  for (const StreamOptions& options : {make_options(1), make_options(2), make_options(2, false)}) {
    Stream drawing = make(options);
    Stream given = make(options);
    StreamNoise noise(given, 3);
    std::size_t compared = 0;
    for (int call = 0; call < 5; ++call) {
      std::vector<Frame> drawn;
      generate(drawing, drawn);
      const std::vector<Frame> out =
          generate_from(given, noise.draw(static_cast<std::size_t>(options.frame_buffer_size)));
      ASSERT_EQ(out.size(), drawn.size());
      for (std::size_t i = 0; i < out.size(); ++i) {
        EXPECT_EQ(difference(out[i], drawn[i]), 0) << "call " << call << ", frame " << i;
        ++compared;
      }
    }
    EXPECT_GE(compared, 3U);
  }
}

TEST_F(OwnNoise, NoiseOfAnotherSizeOrWithoutFiniteNumbersIsRefusedAndLeavesTheStreamAsItWas) {
  Stream stream = make(make_options(1, false));
  std::vector<float> noise = StreamNoise(stream, 3).draw(1);
  const Frame before = generate_from(stream, noise).at(0);
  EXPECT_THROW(generate_from(stream, std::span(noise).first(noise.size() - 1)), ArgumentError);
  EXPECT_THROW(generate_from(stream, std::span(noise).first(0)), ArgumentError);
  std::vector<float> broken = noise;
  broken.back() = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THROW(generate_from(stream, broken), ArgumentError);
  EXPECT_EQ(difference(generate_from(stream, noise).at(0), before), 0);
}

}  // namespace
}  // namespace streamdiffusion
