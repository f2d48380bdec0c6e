#include "media/picture_reader.h"

#include "support.h"

namespace streamdiffusion::testing {
namespace {

class EveryKindOfPicture : public ::testing::TestWithParam<std::pair<const char*, int>> {};

TEST_P(EveryKindOfPicture, ShowsTheScene) {
  const auto [name, tolerance] = GetParam();
  const Frame frame = read_image(fixture(name));
  EXPECT_EQ(frame.width, 48);
  EXPECT_EQ(frame.height, 32);
  expect_scene(frame, tolerance);
}
INSTANTIATE_TEST_SUITE_P(Pictures, EveryKindOfPicture,
                         ::testing::Values(std::pair{"plain.png", 0}, std::pair{"palette.png", 0},
                                           std::pair{"lossless.webp", 0}, std::pair{"cmyk.jpg", 4},
                                           std::pair{"progressive.jpg", 4}));

TEST(ReadImage, ShowsGreyAsGrey) {
  const Frame frame = read_image(fixture("grey16.png"));
  EXPECT_TRUE(near(at(frame, Corner::top_left), {76, 76, 76}, 1));
  EXPECT_TRUE(near(at(frame, Corner::top_right), {150, 150, 150}, 1));
  EXPECT_TRUE(near(pixel(frame, 24, 16), kWhite, 0));
}

TEST(ReadImage, PutsAlphaOnBlack) {
  const Frame frame = read_image(fixture("alpha.png"));
  EXPECT_EQ(pixel(frame, 24, 2), kWhite);
  EXPECT_EQ(pixel(frame, 24, 20), (Colour{128, 128, 128}));
}

struct Upright {
  std::string file;
  Corner red;
  Corner green;
};
class EveryOrientation : public ::testing::TestWithParam<Upright> {};

TEST_P(EveryOrientation, IsTurnedUpright) {
  const auto& [file, red, green] = GetParam();
  const Frame frame = read_image(fixture(file));
  const bool sideways = file.find_first_of("5678") != std::string::npos;
  EXPECT_EQ(frame.width, sideways ? 32 : 48);
  EXPECT_EQ(frame.height, sideways ? 48 : 32);
  EXPECT_TRUE(near(at(frame, red), kRed, 4));
  EXPECT_TRUE(near(at(frame, green), kGreen, 4));
}
INSTANTIATE_TEST_SUITE_P(
    Orientations, EveryOrientation,
    ::testing::Values(Upright{"oriented_1.jpg", Corner::top_left, Corner::top_right},
                      Upright{"oriented_2.jpg", Corner::top_right, Corner::top_left},
                      Upright{"oriented_3.jpg", Corner::bottom_right, Corner::bottom_left},
                      Upright{"oriented_4.jpg", Corner::bottom_left, Corner::bottom_right},
                      Upright{"oriented_5.jpg", Corner::top_left, Corner::bottom_left},
                      Upright{"oriented_6.jpg", Corner::top_right, Corner::bottom_right},
                      Upright{"oriented_7.jpg", Corner::bottom_right, Corner::top_right},
                      Upright{"oriented_8.jpg", Corner::bottom_left, Corner::top_left},
                      Upright{"oriented_6.png", Corner::top_right, Corner::bottom_right},
                      Upright{"oriented_6.webp", Corner::top_right, Corner::bottom_right}));

class EveryCutPicture : public ::testing::TestWithParam<const char*> {};

TEST_P(EveryCutPicture, IsAnErrorThatNamesTheFile) {
  const ScratchFolder folder;
  const std::string whole = read_bytes(fixture(GetParam()));
  for (std::size_t size = 1; size + 1 < whole.size(); size += std::max<std::size_t>(1, whole.size() / 40)) {
    const std::string file = folder / "cut";
    write_bytes(file, whole.substr(0, size));
    EXPECT_NE(error_of([&] { read_image(file); }).find(file), std::string::npos) << size << " bytes";
  }
}
INSTANTIATE_TEST_SUITE_P(Pictures, EveryCutPicture,
                         ::testing::Values("plain.png", "palette.png", "grey16.png", "cmyk.jpg",
                                           "progressive.jpg", "oriented_6.jpg", "lossless.webp"));

TEST(ReadImage, RefusesWhatIsNoPicture) {
  const ScratchFolder folder;
  const std::string file = folder / "text.png";
  write_bytes(file, "this is no picture\n");
  EXPECT_NE(error_of([&] { read_image(file); }).find("no picture"), std::string::npos);
  EXPECT_NE(error_of([&] { read_image(fixture("bt709_full.mp4")); }).find("no picture"), std::string::npos);
  EXPECT_NE(error_of([&] { read_image(folder / "missing.png"); }).find("there is no picture"),
            std::string::npos);
  EXPECT_THROW(read_image(folder / ""), Error);
  write_bytes(file, "");
  EXPECT_THROW(read_image(file), Error);
}

TEST(ReadImage, RefusesADamagedPicture) {
  const ScratchFolder folder;
  std::string bytes = read_bytes(fixture("plain.png"));
  bytes[bytes.find("IDAT") + 10] ^= 0x55;
  const std::string file = folder / "damaged.png";
  write_bytes(file, bytes);
  EXPECT_NE(error_of([&] { read_image(file); }).find(file), std::string::npos);
}

TEST(ReadImage, RefusesASizeThatWouldEatTheMemory) {
  const ScratchFolder folder;
  // A PPM needs no checksum: a header of 60000x60000 and a little data.
  const std::string file = folder / "huge.ppm";
  write_bytes(file, "P6\n60000 60000\n255\n" + std::string(1000, 'x'));
  EXPECT_THROW(read_image(file), Error);
}

TEST(IsPicture, TellsPicturesFromVideosByTheirBytes) {
  EXPECT_TRUE(is_picture(fixture("plain.png")));
  EXPECT_TRUE(is_picture(fixture("cmyk.jpg")));
  EXPECT_TRUE(is_picture(fixture("lossless.webp")));
  EXPECT_FALSE(is_picture(fixture("untagged.mp4")));
  EXPECT_FALSE(is_picture(fixture("uneven.mkv")));
  EXPECT_FALSE(is_picture(fixture("missing")));
}

}  // namespace
}  // namespace streamdiffusion::testing
