// Tests of folders and patterns of images that are written.

#include "support.h"

namespace streamdiffusion::tests {
namespace {

TEST(ImageFileSink, NumbersImagesInAFolderThatItMakes) {
  const ScratchFolder folder;
  write_clip(sink_options(folder / "new/deep/"), 3);
  EXPECT_EQ(read_image(folder / "new/deep/00002.png").pixels, gradient_frame(64, 48, 2).pixels);
  EXPECT_FALSE(fs::exists(folder / "new/deep/00003.png"));
}

TEST(ImageFileSink, FollowsAPattern) {
  const ScratchFolder folder;
  write_clip(sink_options(folder / "f%03d_x.jpg"), 2);
  EXPECT_EQ(folder.names(), (std::vector<std::string>{"f000_x.jpg", "f001_x.jpg"}));
  EXPECT_THROW(open_sink(sink_options(folder / "%d%d.png")), Error);
  EXPECT_THROW(open_sink(sink_options(folder / "%s.png")), Error);
}

TEST(ImageFileSink, WritesOneImageAndNoSecondOverIt) {
  const ScratchFolder folder;
  write_clip(sink_options(folder / "a.png"), 1);
  EXPECT_EQ(read_image(folder / "a.png").width, 64);
  EXPECT_NE(error_of([&] { write_clip(sink_options(folder / "b.png"), 2); }).find("%05d"), std::string::npos);
}

}  // namespace
}  // namespace streamdiffusion::tests
