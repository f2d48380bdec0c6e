#include "device/devices.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>

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
  for (const std::string name :
       {"abacus", "cuda:", "cuda:x", "cuda:-1", "cuda:1x", "cuda0", "vulkan:", "vulkan1", ""}) {
    EXPECT_TRUE(
        names(problem_of({.device = name}), "is not known: use auto, cpu, cuda, cuda:N, vulkan or vulkan:N"))
        << name;
  }
}

TEST(Devices, ThatCannotBeHadSayWhy) {
  const ComputeDevices found = list_compute_devices();
  for (const auto& [api, problem] : {std::pair{std::string("cuda"), found.cuda_problem},
                                     std::pair{std::string("vulkan"), found.vulkan_problem}}) {
    const bool is_there = std::ranges::any_of(
        found.gpus, [&api = api](const ComputeDevice& gpu) { return gpu.device.starts_with(api); });
    if (!is_there) {
      EXPECT_FALSE(problem.empty()) << api;
      EXPECT_TRUE(names(problem_of({.device = api}), "use the device \"cpu\"")) << api;
    } else {
      EXPECT_TRUE(names(problem_of({.device = api + ":99"}), "99")) << api;
    }
  }
}

TEST(Devices, AutoIsNoGpuThatIsSoftware) {
  const ComputeDevices found = list_compute_devices();
  const bool has_real_gpu =
      std::ranges::any_of(found.gpus, [](const ComputeDevice& gpu) { return !gpu.is_software; });
  if (!has_real_gpu) {
    EXPECT_EQ(choose_device({.device = "auto"}).device->traits().name, "cpu");
  }
}

TEST(Devices, AutoStaysOnTheCpuForItsOwnPrecisions) {
  const ChosenDevice chosen = choose_device({.device = "auto", .precision = "int8"});
  EXPECT_EQ(chosen.device->traits().name, "cpu");
  EXPECT_TRUE(chosen.why_no_gpu.empty());
}

}  // namespace
}  // namespace streamdiffusion
