#include "device/recording/recordings.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace streamdiffusion::recording {
namespace {

Commands copy_commands(std::int64_t count, float* from) {
  Commands commands;
  for (std::int64_t i = 0; i < count; ++i) {
    commands.list.emplace_back(
        CopyCommand{{from, {.c = 4}, 4, DType::f16}, {from + 4, {.c = 4}, 4, DType::f16}});
  }
  return commands;
}

class RecordingsTest : public testing::Test {
 protected:
  /// Runs the sequence and says how.
  std::string run(const Commands& commands) {
    std::string how;
    recordings_.run(
        commands, [&](const Commands&) { how += "computed"; },
        [&](const Commands&) {
          how += "recorded, ";
          return can_record_ ? std::optional(1) : std::nullopt;
        },
        [&](int, const Commands&) { how += "repeated"; });
    return how;
  }

  std::vector<float> memory_ = std::vector<float>(16);
  Recordings<int> recordings_{2};
  bool can_record_ = true;
};

TEST_F(RecordingsTest, RecordASequenceTheSecondTime) {
  const Commands commands = copy_commands(3, memory_.data());
  EXPECT_EQ(run(commands), "computed");
  EXPECT_EQ(run(commands), "recorded, repeated");
  EXPECT_EQ(run(commands), "repeated");
}

TEST_F(RecordingsTest, KnowASequenceByAllOfItsOperations) {
  const Commands commands = copy_commands(3, memory_.data());
  run(commands);
  run(commands);
  EXPECT_EQ(run(copy_commands(2, memory_.data())), "computed");
  EXPECT_EQ(run(commands), "repeated");
  EXPECT_EQ(run(copy_commands(3, memory_.data() + 1)), "computed") << "other memory";
}

TEST_F(RecordingsTest, ForgetTheSequenceThatWasUsedLeastRecently) {
  const Commands three = copy_commands(3, memory_.data());
  const Commands two = copy_commands(2, memory_.data());
  run(three);
  run(two);
  run(three);
  run(copy_commands(1, memory_.data()));
  EXPECT_EQ(run(three), "repeated");
  EXPECT_EQ(run(two), "computed");
}

TEST_F(RecordingsTest, ComputeWhatCannotBeRecordedAndTryOnce) {
  can_record_ = false;
  const Commands commands = copy_commands(3, memory_.data());
  run(commands);
  EXPECT_EQ(run(commands), "recorded, computed");
  EXPECT_EQ(run(commands), "computed");
}

TEST_F(RecordingsTest, BeginAnewAfterClear) {
  const Commands commands = copy_commands(3, memory_.data());
  run(commands);
  run(commands);
  recordings_.clear();
  EXPECT_EQ(run(commands), "computed");
}

TEST_F(RecordingsTest, MayBeClearedWhileTheyRun) {
  const Commands commands = copy_commands(3, memory_.data());
  recordings_.run(
      commands, [&](const Commands&) { recordings_.clear(); },
      [](const Commands&) { return std::optional(1); }, [](int, const Commands&) {});
  EXPECT_EQ(run(commands), "computed");
}

}  // namespace
}  // namespace streamdiffusion::recording
