#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <variant>
#include <vector>

#include "device/device.h"
#include "device/recording/weight_slot.h"

// Operations as values, so that a sequence can be compared with earlier ones. Commands refer to tensors by
// address and to weights by slot, not by contents. A command therefore stays equal if the contents change.
namespace streamdiffusion::recording {

struct Conv2dCommand {
  Tensor x;
  WeightHandle weights;
  Conv2dOptions options;
  Tensor out;
  bool operator==(const Conv2dCommand&) const = default;
};
struct LinearCommand {
  Tensor x;
  WeightHandle weights;
  LinearOptions options;
  Tensor out;
  bool operator==(const LinearCommand&) const = default;
};
struct GroupNormCommand {
  Tensor x;
  WeightHandle gain;
  WeightHandle shift;
  std::int64_t groups;
  float epsilon;
  Activation activation;
  Tensor out;
  bool operator==(const GroupNormCommand&) const = default;
};
struct LayerNormCommand {
  Tensor x;
  WeightHandle gain;
  WeightHandle shift;
  float epsilon;
  Tensor out;
  bool operator==(const LayerNormCommand&) const = default;
};
struct AttentionCommand {
  Tensor q;
  Tensor k;
  Tensor v;
  std::int64_t heads;
  bool causal;
  std::size_t first_key_rows;  // index of the first range in Commands::key_rows
  std::size_t key_rows;        // number of ranges; 0: row i attends to row i
  Tensor out;
  bool operator==(const AttentionCommand&) const = default;
};
struct MapCommand {
  Tensor x;
  float scale;
  Activation activation;
  float out_scale;
  float shift;
  Tensor out;
  bool operator==(const MapCommand&) const = default;
};
struct CopyCommand {
  Tensor x;
  Tensor out;
  bool operator==(const CopyCommand&) const = default;
};
struct AddCommand {
  Tensor x;
  Tensor y;
  Tensor out;
  bool operator==(const AddCommand&) const = default;
};
struct CombineCommand {
  Tensor x;
  Tensor y;
  std::size_t first_factor;  // index in Commands::factors: `a` of each row, then `b` of each row
  Tensor out;
  bool operator==(const CombineCommand&) const = default;
};

using Command = std::variant<Conv2dCommand, LinearCommand, GroupNormCommand, LayerNormCommand,
                             AttentionCommand, MapCommand, CopyCommand, AddCommand, CombineCommand>;

/// A list of commands in their order, with the values that they refer to by index.
struct Commands {
  std::vector<Command> list;
  std::vector<RowRange> key_rows;
  /// The factors of all CombineCommands. They are data, as tensors' contents are: a recording is repeated
  /// with the factors of the commands at hand.
  std::vector<float> factors;

  [[nodiscard]] std::span<const RowRange> key_rows_of(const AttentionCommand& command) const {
    return std::span(key_rows).subspan(command.first_key_rows, command.key_rows);
  }
  /// Factors of x, one for each row.
  [[nodiscard]] std::span<const float> a_of(const CombineCommand& command) const {
    return std::span(factors).subspan(command.first_factor, rows_of(command));
  }
  /// Factors of y, one for each row.
  [[nodiscard]] std::span<const float> b_of(const CombineCommand& command) const {
    return std::span(factors).subspan(command.first_factor + rows_of(command), rows_of(command));
  }

  void clear() {
    list.clear();
    key_rows.clear();
    factors.clear();
  }
  /// True if both compute the same with the same memory, whatever their factors are.
  bool operator==(const Commands& other) const { return list == other.list && key_rows == other.key_rows; }

 private:
  static std::size_t rows_of(const CombineCommand& command) {
    return static_cast<std::size_t>(command.x.shape.n);
  }
};

}  // namespace streamdiffusion::recording
