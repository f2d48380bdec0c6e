#include "bench/table.h"

#include <gtest/gtest.h>

namespace streamdiffusion::bench {
namespace {

Table example() {
  return {.name = "steps",
          .title = "Steps",
          .columns = {{"mode", "mode"}, {"milliseconds", "ms", 2}, {"steps", "steps"}},
          .rows = {{{"mode", "long name"},
                    {"milliseconds", to_json(Spread{0.5, 0.25, 1, 3}, 1e3)},
                    {"steps", 10}},
                   {{"mode", "x"}, {"milliseconds", 1.5}, {"steps", nullptr}}},
          .notes = {"A note."}};
}

TEST(Table, IsShownInColumns) {
  EXPECT_EQ(to_text(example()),
            "Steps\n"
            "  mode                               ms  steps\n"
            "  long name  500.00 (250.00 to 1000.00)     10\n"
            "  x                                1.50\n"
            "  A note.\n");
}

TEST(Table, AsJsonKeepsNumbersAsTheyAre) {
  const Json json = to_json(example());
  EXPECT_EQ(json["rows"][0]["milliseconds"]["median"], 500.0);
  EXPECT_EQ(json["rows"][0]["milliseconds"]["runs"], 3);
  EXPECT_EQ(json["rows"][1]["milliseconds"], 1.5);
  EXPECT_EQ(json["notes"], Json::array({"A note."}));
}

}  // namespace
}  // namespace streamdiffusion::bench
