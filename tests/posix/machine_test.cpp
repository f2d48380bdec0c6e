#include "posix/machine.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <random>

namespace streamdiffusion::posix {

namespace {

namespace fs = std::filesystem;

/// A folder that describes caches as Linux does in /sys/devices/system/cpu/cpu0/cache.
class CacheSize : public testing::Test {
 protected:
  void SetUp() override { fs::create_directory(folder_); }
  void TearDown() override { fs::remove_all(folder_); }

  void add(int level, const std::string& type, const std::string& size) {
    const fs::path cache = folder_ / ("index" + std::to_string(count_++));
    fs::create_directory(cache);
    std::ofstream(cache / "level") << level << "\n";
    std::ofstream(cache / "type") << type << "\n";
    std::ofstream(cache / "size") << size << "\n";
  }

  fs::path folder_ = fs::temp_directory_path() / ("caches-" + std::to_string(std::random_device()()));

 private:
  int count_ = 0;
};

TEST_F(CacheSize, IsReadByLevel) {
  add(1, "Instruction", "32K");
  add(1, "Data", "48K");
  add(2, "Unified", "1024K");
  add(3, "Unified", "32768K");
  EXPECT_EQ(cache_size(1, folder_), std::size_t{48} << 10U);
  EXPECT_EQ(cache_size(2, folder_), std::size_t{1} << 20U);
  EXPECT_EQ(cache_size(3, folder_), std::size_t{32} << 20U);
}

TEST_F(CacheSize, IsZeroForALevelThatIsMissing) {
  add(2, "Unified", "512K");
  EXPECT_EQ(cache_size(3, folder_), 0U);
}

TEST_F(CacheSize, IsZeroIfItCannotBeRead) {
  add(2, "Unified", "");
  add(3, "Unified", "many");
  EXPECT_EQ(cache_size(2, folder_), 0U);
  EXPECT_EQ(cache_size(3, folder_), 0U);
  EXPECT_EQ(cache_size(2, folder_ / "missing"), 0U);
}

}  // namespace

}  // namespace streamdiffusion::posix
