#include "device/cuda/errors.h"

#include <gtest/gtest.h>

#include <string>

namespace streamdiffusion::cuda {
namespace {

struct Told {
  std::string message;
  bool lost = false;
};

Told told_of(cudaError_t status) {
  try {
    fail(status, "computing: reason");
  } catch (const DeviceLost& error) {
    return {error.what(), true};
  } catch (const Error& error) {
    return {error.what(), false};
  }
}

void expect_told(cudaError_t status, const std::string& words, bool lost) {
  const Told told = told_of(status);
  EXPECT_NE(told.message.find(words), std::string::npos) << told.message;
  EXPECT_NE(told.message.find("computing: reason"), std::string::npos) << told.message;
  EXPECT_EQ(told.lost, lost) << told.message;
}

TEST(CudaErrors, SayWhatHelps) {
  expect_told(cudaErrorMemoryAllocation, "use a smaller size, batch or model", false);
  expect_told(cudaErrorInsufficientDriver, "nvidia-smi", false);
  expect_told(cudaErrorNoDevice, "nvidia-smi", false);
  expect_told(cudaErrorNoKernelImageForDevice, "CMAKE_CUDA_ARCHITECTURES", false);
}

TEST(CudaErrors, AreALostDeviceWhereNothingCanBeComputedAnyMore) {
  for (const cudaError_t status : {cudaErrorIllegalAddress, cudaErrorLaunchFailure, cudaErrorECCUncorrectable,
                                   cudaErrorHardwareStackError, cudaErrorUnknown}) {
    expect_told(status, "start the program again", true);
  }
}

}  // namespace
}  // namespace streamdiffusion::cuda
