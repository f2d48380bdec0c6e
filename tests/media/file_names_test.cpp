#include "media/file_names.h"

#include "streamdiffusion/error.h"
#include "support.h"

namespace streamdiffusion::tests {
namespace {

TEST(NaturalLess, CountsAsPeopleDo) {
  EXPECT_TRUE(natural_less("2.png", "10.png"));
  EXPECT_FALSE(natural_less("10.png", "2.png"));
  EXPECT_TRUE(natural_less("a2b9", "a2b10"));
  EXPECT_TRUE(natural_less("a", "b"));
  EXPECT_TRUE(natural_less("a", "a1"));
  EXPECT_TRUE(natural_less("frame009", "frame10"));
  EXPECT_FALSE(natural_less("x", "x"));
}

TEST(NaturalLess, OrdersWhatCountsTheSameInOneWay) {
  EXPECT_NE(natural_less("01", "1"), natural_less("1", "01"));
  EXPECT_TRUE(natural_less("99999999999999999999998", "99999999999999999999999"));
}

TEST(NumberPattern, PutsTheNumberIn) {
  EXPECT_EQ(NumberPattern("out/%05d.png").name(7), "out/00007.png");
  EXPECT_EQ(NumberPattern("%d").name(12), "12");
  EXPECT_EQ(NumberPattern("a%2db").name(123), "a123b");
}

TEST(NumberPattern, RefusesOtherPlaces) {
  for (const char* pattern : {"a.png", "%s", "%d%d", "%", "%00d", "%123d", "%n"}) {
    EXPECT_THROW(NumberPattern{pattern}, Error) << pattern;
  }
}

}  // namespace
}  // namespace streamdiffusion::tests
