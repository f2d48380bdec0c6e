#include "support.h"

namespace streamdiffusion::tests {
namespace {

double mean_difference(const Frame& a, const Frame& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.pixels.size(); ++i) sum += std::abs(a.pixels[i] - b.pixels[i]);
  return sum / static_cast<double>(a.pixels.size());
}

TEST(WriteImage, KeepsEveryPixelInPng) {
  const ScratchFolder folder;
  const Frame frame = gradient_frame(37, 21, 5);
  write_image(folder / "a.png", frame);
  const Frame back = read_image(folder / "a.png");
  EXPECT_EQ(back.width, 37);
  EXPECT_EQ(back.height, 21);
  EXPECT_EQ(back.pixels, frame.pixels);
  EXPECT_EQ(folder.names(), std::vector<std::string>{"a.png"});
}

TEST(WriteImage, StaysCloseInJpegAndWebp) {
  const ScratchFolder folder;
  const Frame frame = gradient_frame(64, 48, 5);
  for (const char* name : {"a.jpg", "a.JPEG", "a.webp"}) {
    write_image(folder / name, frame);
    EXPECT_LT(mean_difference(read_image(folder / name), frame), 2) << name;
  }
}

TEST(WriteImage, MakesSmallerFilesOfLessQuality) {
  const ScratchFolder folder;
  const Frame frame = gradient_frame(128, 128);
  for (const char* name : {"a.jpg", "a.webp"}) {
    write_image(folder / name, frame, {}, 95);
    const auto good = fs::file_size(folder / name);
    write_image(folder / name, frame, {}, 10);
    EXPECT_LT(fs::file_size(folder / name), good) << name;
  }
  EXPECT_THROW(write_image(folder / "b.jpg", frame, {}, 101), Error);
}

TEST(WriteImage, PutsTextIntoPngChunks) {
  const ScratchFolder folder;
  write_image(folder / "a.png", gradient_frame(8, 8),
              {{"parameters", "a cat, seed 1"}, {"prompt", "caf\u00e9"}});
  const std::string bytes = read_bytes(folder / "a.png");
  EXPECT_NE(bytes.find(std::string("tEXtparameters\0a cat, seed 1", 28)), std::string::npos);
  EXPECT_NE(bytes.find(std::string("iTXtprompt\0\0\0\0\0caf\u00e9", 20)), std::string::npos);
  EXPECT_EQ(read_image(folder / "a.png").width, 8);
  EXPECT_THROW(write_image(folder / "b.png", gradient_frame(8, 8), {{std::string(80, 'k'), "x"}}), Error);
}

TEST(WriteImage, LeavesNothingWhereItCannotWrite) {
  const ScratchFolder folder;
  const Frame frame = gradient_frame(8, 8);
  const std::string file = folder / "missing/a.png";
  EXPECT_EQ(error_of([&] { write_image(file, frame); }),
            "cannot write " + file + ": there is no folder " + folder / "missing");
  EXPECT_NE(error_of([&] { write_image(folder / "a.tga", frame); }).find(".png"), std::string::npos);
  EXPECT_THROW(write_image(folder / "a.png", Frame{}), Error);
  fs::create_directories(folder / "b.png");
  EXPECT_THROW(write_image(folder / "b.png", frame), Error);
  EXPECT_EQ(folder.names(), std::vector<std::string>{"b.png"});
}

TEST(WriteImage, NamesWrongArgumentsAsSuch) {
  const ScratchFolder folder;
  const Frame frame = gradient_frame(8, 8);
  EXPECT_THROW(write_image(folder / "a.jpg", frame, {}, 101), ArgumentError);
  EXPECT_THROW(write_image(folder / "a.tga", frame), ArgumentError);
  EXPECT_THROW(write_image(folder / "a.png", Frame{}), ArgumentError);
  EXPECT_THROW(write_image(folder / "a.png", frame, {{"", "no keyword"}}), ArgumentError);
  EXPECT_THROW(encode_image(frame, "tga"), ArgumentError);
  EXPECT_THROW(parse_fit("bend"), ArgumentError);
  SinkOptions options;
  options.output = folder / "a.mp4";
  EXPECT_THROW(open_sink(options), ArgumentError);
  options.width = options.height = 8;
  options.frame_rate = 0;
  EXPECT_THROW(open_sink(options), ArgumentError);
  options.frame_rate = 25;
  options.quality = 101;
  EXPECT_THROW(open_sink(options), ArgumentError);
  EXPECT_THROW(write_image(folder / "missing/a.png", frame), MediaError);
  EXPECT_EQ(folder.names(), std::vector<std::string>{});
}

TEST(WriteImage, ReportsAFullDisk) {
  if (!fs::exists("/dev/full")) GTEST_SKIP() << "this system has no /dev/full";
  const ScratchFolder folder;
  fs::create_symlink("/dev/full", folder / "a.png");
  EXPECT_NE(error_of([&] { write_image(folder / "a.png", gradient_frame(8, 8)); }).find("No space left"),
            std::string::npos);
}

TEST(WriteImage, FollowsASymbolicLink) {
  const ScratchFolder folder;
  write_bytes(folder / "target.png", "old");
  fs::create_symlink(folder / "target.png", folder / "link.png");
  write_image(folder / "link.png", gradient_frame(8, 8));
  EXPECT_TRUE(fs::is_symlink(folder / "link.png"));
  EXPECT_EQ(read_image(folder / "target.png").width, 8);
}

}  // namespace
}  // namespace streamdiffusion::tests
