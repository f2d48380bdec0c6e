#include "device/devices.h"

#include <gtest/gtest.h>

#include <string>

#include "device/cpu/target.h"
#include "streamdiffusion/devices.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion {
namespace {

std::string problem_of(const DeviceChoice& choice) {
  try {
    choose_device(choice);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

bool names(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST(Devices, TheCpuTakesItsPrecisions) {
  EXPECT_EQ(choose_device({.device = "cpu"}).device->traits().name, "cpu");
  EXPECT_EQ(choose_device({.device = "cpu", .precision = "int8"}).precision, Precision::int8);
  EXPECT_TRUE(names(problem_of({.device = "cpu", .precision = "f16"}), "\"f16\" is not known to the CPU"));
  EXPECT_TRUE(names(problem_of({.device = "cpu", .threads = -1}), "threads is -1"));
}

TEST(Devices, TheCpuCanBeHeldToInstructions) {
  // AVX2 is not tried: it would restrict all tests that follow.
  const std::string problem = problem_of({.device = "cpu:avx512_vnni", .precision = "int8"});
  EXPECT_EQ(problem, cpu::uses_avx512_vnni() ? "" : "this machine has no AVX-512 with VNNI");
  EXPECT_TRUE(names(problem_of({.device = "cpu:mmx"}), "use avx2, avx512 or avx512_vnni"));
}

TEST(Devices, NamesThatAreNoneAreErrors) {
  for (const std::string name : {"abacus", "cuda:", "cuda:x", "cuda:-1", "cuda:1x", "cuda0", ""}) {
    EXPECT_TRUE(names(problem_of({.device = name}), "is not known: use auto, cpu, cuda or cuda:N")) << name;
  }
}

TEST(Devices, ThatCannotBeHadSayWhy) {
  const ComputeDevices found = list_compute_devices();
  if (found.gpus.empty()) {
    EXPECT_FALSE(found.problem.empty());
    EXPECT_TRUE(names(problem_of({.device = "cuda"}), "use the device \"cpu\""));
    EXPECT_EQ(choose_device({.device = "auto"}).device->traits().name, "cpu");
    return;
  }
  EXPECT_TRUE(names(problem_of({.device = "cuda:99"}), "no GPU 99"));
  EXPECT_TRUE(names(choose_device({.device = "auto"}).device->traits().name, found.gpus.front().name));
}

TEST(Devices, AutoStaysOnTheCpuForItsOwnPrecisions) {
  const ChosenDevice chosen = choose_device({.device = "auto", .precision = "int8"});
  EXPECT_EQ(chosen.device->traits().name, "cpu");
  EXPECT_TRUE(chosen.why_not_cuda.empty());
}

}  // namespace
}  // namespace streamdiffusion
