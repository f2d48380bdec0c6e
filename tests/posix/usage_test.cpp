#include "posix/usage.h"

#include <gtest/gtest.h>

#include <fstream>
#include <random>

namespace streamdiffusion::posix {
namespace {

namespace fs = std::filesystem;

/// Tests with a fake system whose energy counters are files.
class EnergyMeterTest : public testing::Test {
 protected:
  void TearDown() override { fs::remove_all(root_); }

  void set(const std::string& zone, const std::string& file, double value) {
    const fs::path folder = root_ / "sys/class/powercap" / zone;
    fs::create_directories(folder);
    std::ofstream(folder / file) << static_cast<std::int64_t>(value) << "\n";
  }

  fs::path root_ = fs::temp_directory_path() / ("energy-" + std::to_string(std::random_device{}()));
};

TEST_F(EnergyMeterTest, TellsNothingWhereTheSystemDoesNot) {
  EXPECT_EQ(EnergyMeter(root_).joules(), std::nullopt);
}

TEST_F(EnergyMeterTest, SumsUpThePackagesWithoutTheirParts) {
  for (const std::string zone : {"intel-rapl:0", "intel-rapl:1", "intel-rapl:0:0"}) {
    set(zone, "energy_uj", 5e6);
  }
  const EnergyMeter meter(root_);
  set("intel-rapl:0", "energy_uj", 7e6);
  set("intel-rapl:1", "energy_uj", 6e6);
  set("intel-rapl:0:0", "energy_uj", 100e6);
  EXPECT_EQ(meter.joules(), 3);
}

TEST_F(EnergyMeterTest, GoesOnWhereACounterBeginsAnew) {
  set("intel-rapl:0", "energy_uj", 9e6);
  set("intel-rapl:0", "max_energy_range_uj", 10e6);
  const EnergyMeter meter(root_);
  set("intel-rapl:0", "energy_uj", 1e6);
  EXPECT_EQ(meter.joules(), 2);
}

TEST(Usage, ProcessorSecondsGrowWithWork) {
  const double start = processor_seconds();
  while (processor_seconds() - start < 0.02) {
  }
  EXPECT_LT(processor_seconds() - start, 10);
}

}  // namespace
}  // namespace streamdiffusion::posix
