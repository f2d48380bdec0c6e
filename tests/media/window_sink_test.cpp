// SDL's driver "dummy" replaces a screen. tests/cli/test_live.py tests what users see.
#include <cstdlib>

#include "support.h"

namespace streamdiffusion::tests {
namespace {

class WindowSinkTest : public testing::Test {
 protected:
  void SetUp() override {
    setenv("SDL_VIDEODRIVER", "dummy", 1);
    try {
      open_sink(sink_options("window"));
    } catch (const Error& error) {
      if (std::string(error.what()).find("built without SDL2") != std::string::npos)
        GTEST_SKIP() << error.what();
      throw;
    }
  }
  void TearDown() override { unsetenv("SDL_VIDEODRIVER"); }
};

TEST_F(WindowSinkTest, TakesFrames) {
  EXPECT_TRUE(is_live(sink_options("window")));
  const auto sink = open_sink(sink_options("window", 64, 48));
  for (int i = 0; i < 20; ++i) sink->write(gradient_frame(64, 48, i));
  sink->finish();
}

TEST_F(WindowSinkTest, RefusesFramesOfAnotherSize) {
  const auto sink = open_sink(sink_options("window", 64, 48));
  EXPECT_THROW(sink->write(gradient_frame(48, 64)), Error);
}

TEST_F(WindowSinkTest, SaysWhereThereIsNoScreen) {
  setenv("SDL_VIDEODRIVER", "nosuchdriver", 1);
  EXPECT_NE(error_of([] { open_sink(sink_options("window")); }).find("needs a screen"), std::string::npos);
}

}  // namespace
}  // namespace streamdiffusion::tests
