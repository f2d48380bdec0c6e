#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <variant>
#include <vector>

#include "device/cuda/packed.h"
#include "device/device.h"

// Operations as values, so that a sequence can be compared with earlier ones. Commands refer to memory by
// address, not by contents. A command therefore stays equal if new weights are copied to the old address.
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

using Command = std::variant<Conv2dCommand, LinearCommand, GroupNormCommand, LayerNormCommand,
                             AttentionCommand, MapCommand, CopyCommand>;

/// A list of commands in their order, with the row ranges that their attentions refer to.
struct Commands {
  std::vector<Command> list;
  std::vector<RowRange> key_rows;

  void clear() {
    list.clear();
    key_rows.clear();
  }
  bool operator==(const Commands&) const = default;
};

/// A cache of the most recently run sequences, each with the graph that repeats it.
template <typename Graph>
class Recordings {
 public:
  struct Recording {
    Commands commands;
    Graph graph{};
    bool graph_fails = false;  ///< True if the sequence cannot be captured as a graph.
    int runs = 0;
  };

  explicit Recordings(std::size_t capacity) : capacity_(capacity) {}

  /// Returns the recording of these commands, and creates it if there is none. Valid until the next call.
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

  /// Removes all recordings, because memory that their graphs use was freed.
  void clear() { recordings_.clear(); }

 private:
  std::size_t capacity_;
  std::list<Recording> recordings_;  // most recently used first
};

}  // namespace streamdiffusion::cuda
