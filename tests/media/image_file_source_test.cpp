// Tests of folders of images and of single images.

#include "read_source.h"

namespace streamdiffusion::tests {
namespace {

TEST(ImageFileSource, ReadsAFolderInNaturalOrder) {
  const ScratchFolder folder;
  write_image(folder / "frame10.png", plain_frame(8, 8, {10, 0, 0}));
  write_image(folder / "frame9.png", plain_frame(8, 8, {9, 0, 0}));
  write_image(folder / "frame100.png", plain_frame(4, 4, {100, 0, 0}));
  write_bytes(folder / "notes.txt", "no image");
  write_bytes(folder / ".hidden.png", "no image");
  const SourceInfo info = info_of(folder / "");
  EXPECT_EQ(info.frames, 3);
  EXPECT_DOUBLE_EQ(info.frame_rate, 25);
  const std::vector<Frame> frames = read_all(folder / "");
  ASSERT_EQ(frames.size(), 3U);
  EXPECT_EQ(frames[0].pixels[0], 9);
  EXPECT_EQ(frames[1].pixels[0], 10);
  EXPECT_EQ(frames[2].pixels[0], 100);
  EXPECT_EQ(frames[2].width, 4);
  EXPECT_EQ(frames[2].number, 2);
  EXPECT_EQ(frames[2].time.count(), 80'000);
}

TEST(ImageFileSource, NamesTheHeicOfAFolder) {
  const ScratchFolder folder;
  write_image(folder / "1.png", plain_frame(8, 8, kRed));
  write_bytes(folder / "2.HEIC",
              std::string("\0\0\0\x18", 4) + "ftypheic" + std::string(4, '\0') + "mif1heic");
  EXPECT_NE(error_of([&] { read_all(folder / ""); }).find("is a HEIC"), std::string::npos);
}

TEST(ImageFileSource, NamesTheBrokenImageOfAFolder) {
  const ScratchFolder folder;
  EXPECT_NE(error_of([&] { read_all(folder / ""); }).find("no images"), std::string::npos);
  write_image(folder / "1.png", gradient_frame(8, 8));
  write_bytes(folder / "2.png", read_bytes(folder / "1.png").substr(0, 60));
  EXPECT_NE(error_of([&] { read_all(folder / ""); }).find("2.png"), std::string::npos);
}

TEST(ImageFileSource, RefusesAFlawedImageWhenReadStrictly) {
  const ScratchFolder folder;
  const std::string whole = read_bytes(fixture("plain.png"));
  write_bytes(folder / "a.png", whole.substr(0, whole.size() - 12));
  EXPECT_EQ(read_with_warnings(folder / "a.png").warnings.size(), 1U);
  EXPECT_NE(strict_error(folder / "a.png").find("no end marker"), std::string::npos);
}

TEST(ImageFileSource, GivesASingleImageOnce) {
  const std::vector<Frame> frames = read_all(fixture("oriented_6.jpg"));
  ASSERT_EQ(frames.size(), 1U);
  EXPECT_EQ(frames[0].width, 32);
}

}  // namespace
}  // namespace streamdiffusion::tests
