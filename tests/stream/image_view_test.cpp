#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "streamdiffusion/error.h"
#include "streamdiffusion/stream.h"
#include "tiny_model.h"

namespace streamdiffusion {
namespace {

using namespace tests;

class ImageViewTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { model_ = tests::load_tiny_model(); }
  static void TearDownTestSuite() { model_.reset(); }

  static Stream make_stream() { return Stream(model_, make_options(), make_parameters({30})); }

  /// Returns the image to image result, as dense 8-bit RGB.
  static Frame redraw(const InputFrame& in) {
    Stream stream = make_stream();
    Frame frame;
    frame.resize(kSize, kSize);
    std::vector<OutputFrame> out = {frame.view()};
    EXPECT_EQ(stream.step(std::span(&in, 1), out).finished, 1U);
    return frame;
  }

  static std::shared_ptr<Model> model_;
};
std::shared_ptr<Model> ImageViewTest::model_;

/// An image whose lines have `channels` channels and are followed by 5 further values.
template <typename Value>
struct PaddedImage {
  PaddedImage(int of_channels, Value fill, PixelType of_type)
      : channels(of_channels), type(of_type), values(static_cast<std::size_t>(line()) * kSize, fill) {}

  [[nodiscard]] std::ptrdiff_t line() const { return kSize * channels + 5; }
  [[nodiscard]] Value& at(int x, int y, int channel) {
    return values[static_cast<std::size_t>(y * line() + x * channels + channel)];
  }
  [[nodiscard]] MutableImageView view() {
    return {.data = values.data(),
            .width = kSize,
            .height = kSize,
            .stride = line() * static_cast<std::ptrdiff_t>(sizeof(Value)),
            .channels = channels,
            .type = type};
  }

  int channels;
  PixelType type;
  std::vector<Value> values;
};

std::uint8_t pixel_of(const Frame& frame, int x, int y, int channel) {
  const auto pixel = static_cast<std::size_t>(y) * kSize + static_cast<std::size_t>(x);
  return frame.pixels[pixel * 3 + static_cast<std::size_t>(channel)];
}

template <typename Visit>
void for_each_value(Visit&& visit) {
  for (int y = 0; y < kSize; ++y) {
    for (int x = 0; x < kSize; ++x) {
      for (int channel = 0; channel < 3; ++channel) {
        visit(x, y, channel);
      }
    }
  }
}

TEST_F(ImageViewTest, InputsOfAllFormsGiveTheSameResult) {
  const Frame frame = make_frame(4);
  const Frame expected = redraw(frame);
  for (const int channels : {3, 4}) {
    PaddedImage<std::uint8_t> bytes(channels, 77, PixelType::uint8);
    PaddedImage<float> floats(channels, 0.3F, PixelType::float32);
    for_each_value([&](int x, int y, int channel) {
      bytes.at(x, y, channel) = pixel_of(frame, x, y, channel);
      floats.at(x, y, channel) = static_cast<float>(pixel_of(frame, x, y, channel)) / 255.0F;
    });
    EXPECT_EQ(difference(redraw(ImageView(bytes.view())), expected), 0) << channels;
    EXPECT_LE(difference(redraw(ImageView(floats.view())), expected), 1) << channels;
  }
}

TEST_F(ImageViewTest, OutputsOfAllFormsHaveTheSameValuesAndLeaveThePaddingAlone) {
  const Frame frame = make_frame(4);
  const Frame expected = redraw(frame);
  for (const int channels : {3, 4}) {
    PaddedImage<std::uint8_t> bytes(channels, 77, PixelType::uint8);
    PaddedImage<float> floats(channels, 0.3F, PixelType::float32);
    for (const MutableImageView& view : {bytes.view(), floats.view()}) {
      Stream stream = make_stream();
      const std::vector<InputFrame> in = {frame};
      std::vector<OutputFrame> out = {view};
      ASSERT_EQ(stream.step(in, out).finished, 1U);
    }
    for_each_value([&](int x, int y, int channel) {
      ASSERT_EQ(bytes.at(x, y, channel), pixel_of(expected, x, y, channel));
      ASSERT_NEAR(floats.at(x, y, channel) * 255.0F, pixel_of(expected, x, y, channel), 0.51F);
    });
    if (channels == 4) {
      EXPECT_EQ(bytes.at(3, 5, 3), 255);
      EXPECT_EQ(floats.at(3, 5, 3), 1.0F);
    }
    EXPECT_EQ(bytes.values.back(), 77);
    EXPECT_EQ(floats.values.back(), 0.3F);
  }
}

TEST_F(ImageViewTest, EncodedLatentsStepAsTheirImageDoes) {
  const Frame frame = make_frame(4);
  Stream stream = make_stream();
  std::vector<float> latents(stream.latent_shape().elements());
  stream.encode(frame.view(), latents);
  InputFrame in;
  in.latents = latents;
  EXPECT_EQ(difference(redraw(in), redraw(frame)), 0);
}

TEST_F(ImageViewTest, FinishedLatentsDecodeToTheFinishedImage) {
  Stream stream = make_stream();
  std::vector<float> latents(stream.latent_shape().elements());
  Frame image = make_frame(0);
  OutputFrame both(image.view());
  both.latents = latents;
  const Frame frame = make_frame(4);
  const std::vector<InputFrame> in = {frame};
  stream.step(in, std::span(&both, 1));
  Frame decoded = make_frame(1);
  stream.decode(latents, decoded.view());
  EXPECT_EQ(difference(decoded, image), 0);
}

TEST_F(ImageViewTest, WithoutAnImageNothingIsDecoded) {
  Stream stream = make_stream();
  std::vector<float> latents(stream.latent_shape().elements());
  OutputFrame out;
  out.latents = latents;
  const Frame frame = make_frame(4);
  const std::vector<InputFrame> in = {frame};
  EXPECT_EQ(stream.step(in, std::span(&out, 1)).finished, 1U);
  EXPECT_TRUE(std::ranges::any_of(latents, [](float value) { return value != 0; }));
  OutputFrame nothing;
  EXPECT_EQ(stream.step(in, std::span(&nothing, 1)).finished, 1U);
}

TEST_F(ImageViewTest, ASkippedStepWritesTheLastResultInTheFormThatIsAskedFor) {
  Parameters parameters = make_parameters({30});
  parameters.similarity_filter = {.enabled = true, .threshold = 0.0F, .max_skip_frame = 1000};
  Stream stream(model_, make_options(), parameters);
  const Frame frame = make_frame(4);
  const std::vector<InputFrame> in = {frame};
  std::vector<float> latents(stream.latent_shape().elements());
  OutputFrame only_latents;
  only_latents.latents = latents;
  ASSERT_FALSE(stream.step(in, std::span(&only_latents, 1)).skipped);
  Frame image = make_frame(0);
  OutputFrame out(image.view());
  ASSERT_TRUE(stream.step(in, std::span(&out, 1)).skipped);
  EXPECT_EQ(difference(image, redraw(frame)), 0);
  EXPECT_EQ(out.number, 4);
}

/// Returns the values upside down, with the view of the original image.
template <typename Value>
MutableImageView turn_upside_down(PaddedImage<Value>& image) {
  for (int y = 0; y < kSize / 2; ++y) {
    std::swap_ranges(&image.at(0, y, 0), &image.at(0, y, 0) + image.line(), &image.at(0, kSize - 1 - y, 0));
  }
  MutableImageView view = image.view();
  view.data = &image.at(0, kSize - 1, 0);
  view.stride = -view.stride;
  return view;
}

TEST_F(ImageViewTest, ImagesMayLieUpsideDownInMemory) {
  const Frame frame = make_frame(4);
  const Frame expected = redraw(frame);
  PaddedImage<std::uint8_t> bytes(3, 77, PixelType::uint8);
  PaddedImage<float> floats(4, 0.3F, PixelType::float32);
  for_each_value([&](int x, int y, int channel) {
    bytes.at(x, y, channel) = pixel_of(frame, x, y, channel);
    floats.at(x, y, channel) = static_cast<float>(pixel_of(frame, x, y, channel)) / 255.0F;
  });
  EXPECT_EQ(difference(redraw(ImageView(turn_upside_down(bytes))), expected), 0);
  EXPECT_LE(difference(redraw(ImageView(turn_upside_down(floats))), expected), 1);

  Stream stream = make_stream();
  const std::vector<InputFrame> in = {frame};
  std::vector<OutputFrame> out = {turn_upside_down(bytes)};
  ASSERT_EQ(stream.step(in, out).finished, 1U);
  for_each_value([&](int x, int y, int channel) {
    ASSERT_EQ(bytes.at(x, kSize - 1 - y, channel), pixel_of(expected, x, y, channel));
  });
}

TEST_F(ImageViewTest, StridesThatLeadBeyondMemoryOrBetweenFloatsAreRefused) {
  Stream stream = make_stream();
  PaddedImage<float> floats(3, 0.5F, PixelType::float32);
  Frame frame = make_frame(0);
  std::vector<OutputFrame> out = {frame.view()};
  const auto expect_refused = [&](const ImageView& view, const std::string& why) {
    const InputFrame in(view);
    try {
      stream.step(std::span(&in, 1), out);
      ADD_FAILURE() << "accepted: " << why;
    } catch (const ArgumentError& error) {
      EXPECT_NE(std::string(error.what()).find(why), std::string::npos) << error.what();
    }
  };
  constexpr std::ptrdiff_t kLargest = std::numeric_limits<std::ptrdiff_t>::max();
  for (const std::ptrdiff_t stride : {kLargest, -kLargest, -kLargest - 1, kLargest / (kSize - 1)}) {
    ImageView bytes = frame.view();
    bytes.stride = stride;
    expect_refused(bytes, "too much for 32 lines");
  }
  ImageView backwards = frame.view();
  backwards.stride = -1;
  expect_refused(backwards, "stride is -1 bytes, its lines have 96");
  ImageView between_floats = floats.view();
  between_floats.stride += 1;
  expect_refused(between_floats, "must be a multiple of 4");
  ImageView shifted = floats.view();
  shifted.data = static_cast<const std::byte*>(shifted.data) + 2;
  expect_refused(shifted, "an address that is no multiple of 4");
}

TEST_F(ImageViewTest, FloatsOfAnotherScaleAreRefused) {
  Stream stream = make_stream();
  Frame frame = make_frame(0);
  std::vector<OutputFrame> out = {frame.view()};
  PaddedImage<float> image(4, 0.5F, PixelType::float32);
  image.at(0, 0, 3) = 255;  // alpha, which is ignored
  for (const float beyond : {-0.2F, 1.2F}) {
    image.at(kSize - 1, kSize - 1, 2) = beyond;
    const InputFrame in(ImageView(image.view()));
    EXPECT_EQ(stream.step(std::span(&in, 1), out).finished, 1U) << beyond;
  }
  for (const float wrong : {255.0F, -1.0F, std::numeric_limits<float>::quiet_NaN()}) {
    image.at(kSize - 1, kSize - 1, 2) = wrong;
    const InputFrame in(ImageView(image.view()));
    EXPECT_THROW(stream.step(std::span(&in, 1), out), ArgumentError) << wrong;
  }
}

TEST_F(ImageViewTest, ViewsThatDoNotFitAreRefused) {
  Stream stream = make_stream();
  Frame frame = make_frame(0);
  const std::vector<InputFrame> good = {frame};
  std::vector<OutputFrame> out = {frame.view()};
  const auto expect_refused = [&](const InputFrame& in) {
    EXPECT_THROW(stream.step(std::span(&in, 1), out), ArgumentError);
  };
  InputFrame gray(frame);
  gray.image.channels = 1;
  expect_refused(gray);
  InputFrame short_lines(frame);
  short_lines.image.stride = kSize;
  expect_refused(short_lines);
  expect_refused({});
  const std::vector<float> few(7);
  InputFrame few_latents;
  few_latents.latents = few;
  expect_refused(few_latents);
  std::vector<float> latents(stream.latent_shape().elements());
  latents.back() = std::numeric_limits<float>::quiet_NaN();
  InputFrame not_finite;
  not_finite.latents = latents;
  expect_refused(not_finite);
  PaddedImage<float> image(3, 0.5F, PixelType::float32);
  image.at(4, 4, 1) = std::numeric_limits<float>::infinity();
  expect_refused(ImageView(image.view()));
  EXPECT_THROW(stream.decode(std::vector<float>(latents.size()), {}), ArgumentError);
  std::vector<OutputFrame> none;
  EXPECT_THROW(stream.step(good, none), ArgumentError);
  Frame cut = make_frame(0);
  cut.pixels.pop_back();
  EXPECT_THROW(static_cast<void>(InputFrame(cut)), ArgumentError);
  EXPECT_EQ(stream.statistics().steps, 0);
}

}  // namespace
}  // namespace streamdiffusion
