#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "device/device.h"

namespace streamdiffusion::recording {

/// Consecutive rows of queries that attend to the same rows of keys. They are computed as one batch of
/// attention whose tokens are those of all its rows, concatenated.
struct AttentionGroup {
  RowRange queries;
  RowRange keys;
};

/// Divides rows into groups. For causal attention each row is a group, because its mask counts queries from
/// the start of the row.
inline void group_rows(std::span<const RowRange> key_rows, bool causal, std::vector<AttentionGroup>& groups) {
  groups.clear();
  for (std::size_t row = 0; row < key_rows.size(); ++row) {
    const RowRange& keys = key_rows[row];
    if (!groups.empty() && !causal && groups.back().keys == keys) {
      ++groups.back().queries.count;
    } else {
      groups.push_back({{static_cast<std::int64_t>(row), 1}, keys});
    }
  }
}

}  // namespace streamdiffusion::recording
