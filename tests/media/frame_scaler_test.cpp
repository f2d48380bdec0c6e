#include "media/frame_scaler.h"

#include <thread>

#include "support.h"

namespace streamdiffusion::tests {
namespace {

TEST(FitFrame, CopiesTheSameSizeWithNumberAndTime) {
  Frame in = gradient_frame(20, 10, 3);
  in.time = std::chrono::microseconds(77);
  const Frame out = fit_to_size(in, Fit::crop, 20, 10);
  EXPECT_EQ(out.pixels, in.pixels);
  EXPECT_EQ(out.number, 3);
  EXPECT_EQ(out.time.count(), 77);
}

TEST(FitFrame, KeepsAPlainColourExactly) {
  const Frame in = plain_frame(97, 61, {10, 128, 255});
  for (const Fit fit : {Fit::crop, Fit::stretch}) {
    const Frame out = fit_to_size(in, fit, 40, 56);
    EXPECT_EQ(out.pixels, plain_frame(40, 56, {10, 128, 255}).pixels);
  }
}

TEST(FitFrame, AveragesFineDetailInsteadOfPickingPixels) {
  Frame in = plain_frame(128, 128, kBlack);
  for (std::size_t i = 0; i < in.pixels.size(); i += 6) {  // Makes every other column white.
    for (std::size_t channel = 0; channel < 3; ++channel) in.pixels[i + channel] = 255;
  }
  const Frame out = fit_to_size(in, Fit::stretch, 16, 16);
  for (int x = 2; x < 14; ++x) EXPECT_TRUE(near(pixel(out, x, 8), {128, 128, 128}, 2));
}

TEST(FitFrame, CropsEvenlyFromTheMiddle) {
  const Frame out = fit_to_size(read_image(fixture("plain.png")), Fit::crop, 32, 32);
  // 8 of the 16 columns of each corner remain.
  EXPECT_EQ(pixel(out, 4, 4), kRed);
  EXPECT_EQ(pixel(out, 7, 8), kRed);
  EXPECT_EQ(pixel(out, 8, 8), kWhite);
  EXPECT_EQ(pixel(out, 23, 8), kWhite);
  EXPECT_EQ(pixel(out, 24, 8), kGreen);
}

TEST(FitFrame, PadsEvenlyWithBlack) {
  const Frame out = fit_to_size(plain_frame(48, 32, kWhite), Fit::pad, 48, 64);
  EXPECT_EQ(pixel(out, 24, 15), kBlack);
  EXPECT_EQ(pixel(out, 24, 16), kWhite);
  EXPECT_EQ(pixel(out, 24, 47), kWhite);
  EXPECT_EQ(pixel(out, 24, 48), kBlack);
}

TEST(FitFrame, StretchesToEachSide) {
  const Frame out = fit_to_size(read_image(fixture("plain.png")), Fit::stretch, 96, 128);
  EXPECT_EQ(at(out, Corner::top_left), kRed);
  EXPECT_EQ(at(out, Corner::bottom_right), kBlack);
  EXPECT_EQ(pixel(out, 24, 50), kRed);
}

TEST(FitFrame, FitsExtremeSizes) {
  EXPECT_EQ(fit_to_size(plain_frame(1, 1, kRed), Fit::crop, 64, 8).pixels, plain_frame(64, 8, kRed).pixels);
  EXPECT_EQ(fit_to_size(plain_frame(500, 1, kRed), Fit::crop, 1, 1).pixels, plain_frame(1, 1, kRed).pixels);
  EXPECT_EQ(pixel(fit_to_size(plain_frame(500, 1, kRed), Fit::pad, 8, 8), 4, 3), kRed);
}

TEST(FitFrame, GivesTheSameOnEveryThread) {
  const Frame in = gradient_frame(100, 80);
  const Frame expected = fit_to_size(in, Fit::crop, 64, 64);
  Frame other;
  std::thread([&] { other = fit_to_size(in, Fit::crop, 64, 64); }).join();
  EXPECT_EQ(other.pixels, expected.pixels);
}

TEST(FitFrame, RefusesAFrameWithoutASize) {
  Frame out;
  EXPECT_THROW(fit_frame(gradient_frame(8, 8), Fit::crop, out), Error);
  out.resize(8, 8);
  EXPECT_THROW(fit_frame(Frame{}, Fit::crop, out), Error);
}

TEST(ParseFit, KnowsItsThreeNames) {
  EXPECT_EQ(parse_fit("crop"), Fit::crop);
  EXPECT_EQ(parse_fit("pad"), Fit::pad);
  EXPECT_EQ(parse_fit("stretch"), Fit::stretch);
  EXPECT_NE(error_of([] { parse_fit("zoom"); }).find("zoom"), std::string::npos);
}

}  // namespace
}  // namespace streamdiffusion::tests
