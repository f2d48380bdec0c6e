#include "hub/expand_path.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <utility>

namespace streamdiffusion::hub {
namespace {

class ExpandPath : public testing::Test {
 protected:
  ExpandPath() {
    ::setenv("HOME", "/people/me/", 1);
    ::setenv("A", "x", 1);
    ::setenv("EMPTY", "", 1);
    ::unsetenv("NOPE");
  }
};

// The expected values come from Python 3.11.
TEST_F(ExpandPath, ReplacesVariables) {
  const std::pair<const char*, const char*> cases[] = {
      {"$A", "x"},    {"${A}", "x"},          {"a$A-b", "ax-b"},
      {"$A$A", "xx"}, {"$$A", "$x"},          {"$EMPTY/x", "/x"},
      {"$", "$"},     {"${", "${"},           {"${A", "${A"},
      {"${}", "${}"}, {"$NOPE/x", "$NOPE/x"}, {"${A b}", "${A b}"},
      {"$A}", "x}"},  {"$\u00e9", "$\u00e9"}, {"", ""}};
  for (const auto& [path, expanded] : cases) {
    EXPECT_EQ(expand_path(path), expanded) << path;
  }
  ::setenv("A", "$A", 1);
  EXPECT_EQ(expand_path("$A"), "$A");
}

TEST_F(ExpandPath, ReplacesHomeFolders) {
  EXPECT_EQ(expand_path("~"), "/people/me");
  EXPECT_EQ(expand_path("~/hf"), "/people/me/hf");
  EXPECT_EQ(expand_path("~/$A"), "/people/me/x");
  EXPECT_EQ(expand_path("a~"), "a~");
  EXPECT_EQ(expand_path("~nobody-has-this-name/hf"), "~nobody-has-this-name/hf");
  EXPECT_TRUE(expand_path("~root/hf").is_absolute());
  ::setenv("HOME", "/", 1);
  EXPECT_EQ(expand_path("~"), "/");
  ::unsetenv("HOME");
  EXPECT_TRUE(expand_path("~/hf").is_absolute());
}

}  // namespace
}  // namespace streamdiffusion::hub
