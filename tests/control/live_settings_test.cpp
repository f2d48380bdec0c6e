#include "control/live_settings.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "control/settings_json.h"

namespace streamdiffusion {
namespace {

Settings cat() {
  Settings settings;
  settings.parameters.prompt = "cat";
  return settings;
}

std::vector<std::string> prompts_handed_over(LiveSettings& settings) {
  std::vector<std::string> prompts;
  settings.hand_over([&](const Settings& next) { prompts.push_back(next.parameters.prompt); });
  return prompts;
}

TEST(LiveSettings, HandsOverTheNewestOnce) {
  LiveSettings settings(cat());
  EXPECT_TRUE(prompts_handed_over(settings).empty());
  settings.apply({{"prompt", "dog"}});
  EXPECT_EQ(settings.apply({{"prompt", "owl"}}).parameters.prompt, "owl");
  EXPECT_EQ(prompts_handed_over(settings), std::vector<std::string>{"owl"});
  EXPECT_TRUE(prompts_handed_over(settings).empty());
}

TEST(LiveSettings, AWrongChangeChangesNothing) {
  LiveSettings settings(cat());
  EXPECT_THROW(settings.apply({{"prompt", "dog"}, {"steps", 0}}), FieldError);
  EXPECT_EQ(settings.newest().parameters.prompt, "cat");
  EXPECT_TRUE(prompts_handed_over(settings).empty());
}

TEST(LiveSettings, WhatTheStreamRefusesIsTakenBack) {
  LiveSettings settings(cat());
  settings.apply({{"prompt", "dog"}});
  EXPECT_THROW(settings.hand_over([](const Settings&) { throw Error("no"); }), Error);
  EXPECT_EQ(settings.newest().parameters.prompt, "cat");
  settings.apply({{"seed", 7U}});
  EXPECT_EQ(prompts_handed_over(settings), std::vector<std::string>{"cat"});
}

TEST(LiveSettings, AChangeThatCameMeanwhileIsTriedNext) {
  LiveSettings settings(cat());
  settings.apply({{"prompt", "dog"}});
  const auto refuse = [&](const Settings&) {
    settings.apply({{"prompt", "owl"}});
    throw Error("no");
  };
  EXPECT_THROW(settings.hand_over(refuse), Error);
  EXPECT_EQ(prompts_handed_over(settings), std::vector<std::string>{"owl"});
}

TEST(LiveSettings, ChangeOnOneThreadAndAreTakenOverOnAnother) {
  LiveSettings settings({});
  constexpr std::uint64_t kLast = 2000;
  std::jthread changes([&] {
    for (std::uint64_t seed = 3; seed <= kLast; ++seed) settings.apply({{"seed", seed}});
  });
  std::uint64_t last = 0;
  while (last < kLast) {
    settings.hand_over([&](const Settings& next) {
      EXPECT_GT(next.parameters.seed, last);
      last = next.parameters.seed;
    });
  }
}

}  // namespace
}  // namespace streamdiffusion
