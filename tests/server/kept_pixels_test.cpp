#include "server/kept_pixels.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "control/settings_json.h"
#include "image_fixture.h"

namespace streamdiffusion::server {
namespace {

constexpr std::int64_t kEnough = 1 << 20;

Frame shaded(int width, int height, std::uint8_t shade) {
  Frame frame;
  frame.resize(width, height);
  frame.pixels.assign(frame.pixels.size(), shade);
  return frame;
}

std::string problem_of_mask(const std::vector<std::uint8_t>& bytes, const Frame& image) {
  try {
    decode_mask(bytes, image, kEnough);
  } catch (const FieldError& error) {
    EXPECT_EQ(error.field(), "mask");
    return error.what();
  }
  return {};
}

TEST(KeptPixels, AreRestoredByTheirOpacity) {
  const KeptPixels kept{.image = shaded(3, 1, 200), .opacity = [] {
                          Frame opacity = shaded(3, 1, 255);
                          for (const int channel : {0, 1, 2}) {
                            opacity.pixels[std::size_t{3} + static_cast<std::size_t>(channel)] = 0;
                            opacity.pixels[std::size_t{6} + static_cast<std::size_t>(channel)] =
                                51;  // A fifth.
                          }
                          return opacity;
                        }()};
  Frame redrawn = shaded(3, 1, 100);
  restore_kept_pixels(kept, redrawn);
  EXPECT_EQ(redrawn.pixels, (std::vector<std::uint8_t>{200, 200, 200, 100, 100, 100, 120, 120, 120}));
}

TEST(Mask, IsReadFromTheAlphaOfAnImageFile) {
  const Frame mask = decode_mask(read_image_fixture("alpha.png"), shaded(48, 32, 0), kEnough);
  EXPECT_EQ(mask.pixels.front(), 255);
  EXPECT_EQ(mask.pixels.back(), 128);
}

TEST(Mask, ThatDoesNotSuitTheImageIsRefused) {
  EXPECT_NE(problem_of_mask(read_image_fixture("alpha.png"), shaded(32, 48, 0)).find("32x48; it has 48x32"),
            std::string::npos);
  EXPECT_NE(problem_of_mask(read_image_fixture("plain.png"), shaded(48, 32, 0)).find("transparent pixels"),
            std::string::npos);
  EXPECT_NE(problem_of_mask({'m'}, shaded(48, 32, 0)).find("not a PNG"), std::string::npos);
}

}  // namespace
}  // namespace streamdiffusion::server
