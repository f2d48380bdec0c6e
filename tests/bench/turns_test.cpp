#include "bench/turns.h"

#include <gtest/gtest.h>

#include <string>

namespace streamdiffusion::bench {
namespace {

TEST(Turns, AlternateAfterARoundThatDoesNotCount) {
  std::string order;
  const auto variant = [&order](char name) {
    return [&order, name, runs = 0]() mutable {
      order += name;
      return runs++ == 0 ? 1000.0 : 1.0;  // The first run is slow.
    };
  };
  const std::vector<Spread> spreads = take_turns({variant('a'), variant('b')}, 0);
  EXPECT_EQ(order, "ababab");
  ASSERT_EQ(spreads.size(), 2U);
  for (const Spread& spread : spreads) {
    EXPECT_EQ(spread.runs, 2);
    EXPECT_DOUBLE_EQ(spread.high, 1);
  }
}

TEST(Turns, GoOnUntilTheTimeIsOver) {
  int runs = 0;
  take_turns({[&runs] { return static_cast<double>(++runs); }}, 0.01);
  EXPECT_GT(runs, 10);
}

}  // namespace
}  // namespace streamdiffusion::bench
