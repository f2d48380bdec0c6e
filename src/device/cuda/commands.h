#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <variant>
#include <vector>

#include "device/cuda/packed.h"
#include "device/device.h"

// Operations as values: what a sequence of them consists of can be compared with what ran before. They name
// memory and not what is in it: weights that are replaced in their place are the same command.
namespace streamdiffusion::cuda {

struct Conv2dCommand {
  Tensor x;
  Matrix weights;
  Conv2dOptions options;
  Tensor out;
  bool operator==(const Conv2dCommand&) const = default;
};
struct LinearCommand {
  Tensor x;
  Matrix weights;
  LinearOptions options;
  Tensor out;
  bool operator==(const LinearCommand&) const = default;
};
struct GroupNormCommand {
  Tensor x;
  const float* gain;
  const float* shift;
  std::int64_t groups;
  float epsilon;
  Activation activation;
  Tensor out;
  bool operator==(const GroupNormCommand&) const = default;
};
struct LayerNormCommand {
  Tensor x;
  const float* gain;
  const float* shift;
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
  std::size_t first_key_rows;  // in Commands::key_rows
  std::size_t key_rows;        // 0: row i attends to row i
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

using Command = std::variant<Conv2dCommand, LinearCommand, GroupNormCommand, LayerNormCommand,
                             AttentionCommand, MapCommand, CopyCommand>;

/// Commands in order.
struct Commands {
  std::vector<Command> list;
  std::vector<RowRange> key_rows;

  void clear() {
    list.clear();
    key_rows.clear();
  }
  bool operator==(const Commands&) const = default;
};

/// Sequences that have run, the last used first, each with the graph that repeats it.
template <typename Graph>
class Recordings {
 public:
  struct Recording {
    Commands commands;
    Graph graph{};
    bool graph_fails = false;  ///< it cannot be made
    int runs = 0;
  };

  explicit Recordings(std::size_t capacity) : capacity_(capacity) {}

  /// The one of these commands, begun where there is none. Valid until the next call.
  Recording& get(const Commands& commands) {
    for (auto recording = recordings_.begin(); recording != recordings_.end(); ++recording) {
      if (recording->commands == commands) {
        recordings_.splice(recordings_.begin(), recordings_, recording);
        return recordings_.front();
      }
    }
    if (recordings_.size() == capacity_) {
      recordings_.pop_back();
    }
    recordings_.push_front({.commands = commands});
    return recordings_.front();
  }

  /// Forgets all: what graphs were made with is no longer there.
  void clear() { recordings_.clear(); }

 private:
  std::size_t capacity_;
  std::list<Recording> recordings_;
};

}  // namespace streamdiffusion::cuda
