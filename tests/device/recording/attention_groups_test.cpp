#include "device/recording/attention_groups.h"

#include <gtest/gtest.h>

#include <vector>

namespace streamdiffusion::recording {
namespace {

TEST(AttentionGroups, JoinRowsThatSeeTheSame) {
  std::vector<AttentionGroup> groups;
  const std::vector<RowRange> rows = {{0, 1}, {0, 1}, {0, 1}, {3, 2}, {3, 2}, {0, 1}};
  group_rows(rows, false, groups);
  ASSERT_EQ(groups.size(), 3U);
  EXPECT_EQ(groups[0].queries, (RowRange{0, 3}));
  EXPECT_EQ(groups[1].queries, (RowRange{3, 2}));
  EXPECT_EQ(groups[1].keys, (RowRange{3, 2}));
  EXPECT_EQ(groups[2].queries, (RowRange{5, 1}));
  group_rows(rows, true, groups);
  EXPECT_EQ(groups.size(), rows.size());
}

}  // namespace
}  // namespace streamdiffusion::recording
