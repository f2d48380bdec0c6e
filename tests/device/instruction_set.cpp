// Runs all tests of this program with the instruction set named in STREAMDIFFUSION_TEST_TARGET ("AVX2",
// "SCALAR"), which has to be one that the machine has; without it with the best.

#include <gtest/gtest.h>
#include <hwy/highway.h>

#include <cstdlib>
#include <string>

namespace {

class InstructionSet : public testing::Environment {
 public:
  void SetUp() override {
    const char* wanted = std::getenv("STREAMDIFFUSION_TEST_TARGET");
    if (wanted == nullptr) {
      return;
    }
    for (const auto target : hwy::SupportedAndGeneratedTargets()) {
      if (hwy::TargetName(target) == std::string(wanted)) {
        hwy::SetSupportedTargetsForTest(target);
        return;
      }
    }
    GTEST_SKIP() << "this machine or build has no " << wanted;
  }
};

const testing::Environment* const kInstructionSet = testing::AddGlobalTestEnvironment(new InstructionSet);

}  // namespace
