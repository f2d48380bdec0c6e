#pragma once

#include <nanobind/nanobind.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "streamdiffusion/media.h"

namespace streamdiffusion::python {

/// Reads a source ahead, on a thread of its own. Of a live source the newest frame wins, and older ones that
/// nobody took are dropped; of a file all frames come in order.
class SourceReader {
 public:
  /// Opens the source. Frames are fitted into the size, unless it is 0.
  SourceReader(SourceOptions options, int width, int height, Fit fit);
  ~SourceReader();
  SourceReader(const SourceReader&) = delete;
  SourceReader& operator=(const SourceReader&) = delete;

  [[nodiscard]] const SourceInfo& info() const { return info_; }
  /// Waits for the next frame, with the GIL released. Returns no value at the end, and after `close`. Throws
  /// what the source throws, and the exception of a signal's handler.
  std::optional<Frame> next();
  /// Returns the duration of the last frame, 0 if it is unknown. No value unless all frames were taken.
  std::optional<std::chrono::microseconds> last_duration();
  /// Ends the reading, also for a thread that waits in `next`.
  void close();
  /// Returns the warnings since the last time that it was called.
  std::vector<std::string> take_warnings();

 private:
  void read_all();
  /// Waits until there is room for a frame. Returns false if the reading is to end.
  bool wait_for_room();
  void put(Frame frame);
  void end(std::exception_ptr failure);

  SourceOptions options_;
  const int width_;
  const int height_;
  const Fit fit_;
  std::atomic<bool> stop_ = false;
  std::unique_ptr<Source> source_;
  SourceInfo info_;

  std::mutex mutex_;  ///< Guards the members below.
  std::condition_variable changed_;
  std::deque<Frame> frames_;
  std::vector<std::string> warnings_;
  std::exception_ptr failure_;
  bool has_ended_ = false;
  std::optional<std::chrono::microseconds>
      last_duration_;  ///< Has a value if the source has ended by itself.
  std::thread thread_;
};

/// Adds the class SourceReader to the module.
void add_source_reader(nanobind::module_& module);

}  // namespace streamdiffusion::python
