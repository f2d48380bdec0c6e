#include "posix/graphics_cards.h"

#include <gtest/gtest.h>

#include <fstream>
#include <random>

namespace streamdiffusion::posix {
namespace {

namespace fs = std::filesystem;

class GraphicsCardsTest : public testing::Test {
 protected:
  void TearDown() override { fs::remove_all(root_); }

  void add(const std::string& slot, const std::string& kind, const std::string& vendor,
           const std::string& driver) {
    const fs::path folder = root_ / "sys/bus/pci/devices" / slot;
    write(folder / "class", kind);
    write(folder / "vendor", vendor);
    write(folder / "device", "0x1234");
    if (!driver.empty()) {
      fs::create_directory_symlink("../../drivers/" + driver, folder / "driver");
    }
  }
  static void write(const fs::path& file, const std::string& text) {
    fs::create_directories(file.parent_path());
    std::ofstream(file) << text << "\n";
  }

  fs::path root_ = fs::temp_directory_path() / ("cards-" + std::to_string(std::random_device{}()));
};

TEST_F(GraphicsCardsTest, AreNamedAsTheirDriverSaysElseByTheirMaker) {
  add("0000:41:00.0", "0x030200", "0x10de", "nvidia");
  write(root_ / "proc/driver/nvidia/gpus/0000:41:00.0/information", "Model: \t\t NVIDIA H200\nIRQ:   \t\t 1");
  add("0000:00:02.0", "0x030000", "0x8086", "i915");
  add("0000:00:1f.0", "0x060100", "0x8086", "");
  add("0000:81:00.0", "0x030000", "0x1002", "");
  const std::vector<GraphicsCard> cards = list_graphics_cards(root_);
  ASSERT_EQ(cards.size(), 3U);
  EXPECT_EQ(cards[0].name, "Intel 0x1234");
  EXPECT_EQ(cards[0].driver, "i915");
  EXPECT_EQ(cards[1].name, "NVIDIA H200");
  EXPECT_EQ(cards[2].name, "AMD 0x1234");
  EXPECT_EQ(cards[2].driver, "");
}

TEST_F(GraphicsCardsTest, AreNoneWhereTheSystemDoesNotTell) {
  EXPECT_TRUE(list_graphics_cards(root_).empty());
}

}  // namespace
}  // namespace streamdiffusion::posix
