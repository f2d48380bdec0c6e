#pragma once

#include <cstddef>
#include <list>
#include <memory>
#include <optional>
#include <utility>

#include "device/recording/commands.h"

namespace streamdiffusion::recording {

/// The sequences that ran last, each with the device's recording of it. `Graph` is what the device can
/// repeat.
template <typename Graph>
class Recordings {
 public:
  /// Keeps up to `capacity` sequences.
  explicit Recordings(std::size_t capacity) : capacity_(capacity) {}

  /// Runs a sequence. The first time, `compute(commands)` runs it directly, so that the device can make plans
  /// and allocate memory. The second time, `record(commands)` returns a graph of it, or nullopt if it cannot
  /// be recorded. From then on `repeat(graph, commands)` runs it, with the factors of `commands`.
  template <typename Compute, typename Record, typename Repeat>
  void run(const Commands& commands, Compute&& compute, Record&& record, Repeat&& repeat) {
    // Shared, because each of the functions may call `clear`.
    const std::shared_ptr<Recording> recording = find(commands);
    if (!recording->has_run) {
      compute(commands);
      recording->has_run = true;
      return;
    }
    if (!recording->graph && !recording->cannot_record) {
      recording->graph = record(commands);
      recording->cannot_record = !recording->graph;
    }
    if (recording->graph) {
      repeat(*recording->graph, commands);
    } else {
      compute(commands);
    }
  }

  /// Forgets all sequences, because memory that their graphs use was freed.
  void clear() { recordings_.clear(); }

 private:
  struct Recording {
    Commands commands;
    std::optional<Graph> graph{};
    bool has_run = false;
    bool cannot_record = false;
  };

  /// Returns the recording of these commands, and makes it if there is none.
  std::shared_ptr<Recording> find(const Commands& commands) {
    for (auto recording = recordings_.begin(); recording != recordings_.end(); ++recording) {
      if ((*recording)->commands == commands) {
        recordings_.splice(recordings_.begin(), recordings_, recording);
        return recordings_.front();
      }
    }
    if (recordings_.size() == capacity_) {
      recordings_.pop_back();
    }
    recordings_.push_front(std::make_shared<Recording>(Recording{.commands = commands}));
    return recordings_.front();
  }

  std::size_t capacity_;
  std::list<std::shared_ptr<Recording>> recordings_;  // most recently used first
};

}  // namespace streamdiffusion::recording
