// Runs all tests of this program with the instruction set named in STREAMDIFFUSION_TEST_TARGET, for example
// "AVX2" or "SCALAR". Skips them if the machine lacks it. Without the variable, uses the best one.

#include "device/cpu/instruction_set.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "streamdiffusion/error.h"

namespace {

class InstructionSet : public testing::Environment {
 public:
  void SetUp() override {
    const char* wanted = std::getenv("STREAMDIFFUSION_TEST_TARGET");
    if (wanted == nullptr) {
      return;
    }
    try {
      streamdiffusion::cpu::use_instruction_set(wanted);
    } catch (const streamdiffusion::Error& error) {
      GTEST_SKIP() << error.what();
    }
  }
};

const testing::Environment* const kInstructionSet = testing::AddGlobalTestEnvironment(new InstructionSet);

}  // namespace
