#include "sink_writer.h"

#include <nanobind/stl/map.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "frame_arrays.h"
#include "interpreter.h"
#include "streamdiffusion/error.h"
#include "streamdiffusion/media.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace streamdiffusion::python {

namespace {

using Texts = std::map<std::string, std::string>;

/// A sink that Python writes to. Its methods are called with the GIL held and work without it.
class SinkWriter {
 public:
  explicit SinkWriter(SinkOptions options) : options_(std::move(options)) {
    options_.on_warning = [this](const std::string& message) { warnings_.push_back(message); };
    options_.on_close = [this] { is_window_closed_ = true; };
    const GilRelease released;
    sink_ = open_sink(options_);
  }

  ~SinkWriter() {
    if (!home_.keep_if_forked(sink_)) {
      close();
    }
  }
  SinkWriter(const SinkWriter&) = delete;
  SinkWriter& operator=(const SinkWriter&) = delete;

  void write(nb::handle image, std::int64_t number, std::int64_t microseconds) {
    Frame frame = frame_of(image);
    frame.number = number;
    frame.time = std::chrono::microseconds(microseconds);
    home_.require("sink");
    const GilRelease released;
    const std::scoped_lock lock(mutex_);
    open().write(frame);
  }

  /// Completes the output. With `last_duration` in microseconds, the last frame was the source's last.
  void finish(std::optional<std::int64_t> last_duration) {
    home_.require("sink");
    const GilRelease released;
    const std::scoped_lock lock(mutex_);
    if (last_duration) {
      open().note_source_end(std::chrono::microseconds(*last_duration));
    }
    open().finish();
    sink_ = nullptr;
  }

  /// Gives up an output that is not complete. No effect on one that is.
  void close() {
    home_.require("sink");
    const GilRelease released;
    const std::scoped_lock lock(mutex_);
    sink_ = nullptr;
  }

  [[nodiscard]] bool is_window_closed() const { return is_window_closed_; }

  /// Returns the warnings since the last time that it was called.
  std::vector<std::string> take_warnings() {
    home_.require("sink");
    const GilRelease released;
    const std::scoped_lock lock(mutex_);
    return std::exchange(warnings_, {});
  }

 private:
  Sink& open() {
    if (!sink_) {
      throw ArgumentError("this sink is closed; open another one");
    }
    return *sink_;
  }

  HomeProcess home_;
  SinkOptions options_;
  std::atomic<bool> is_window_closed_ = false;
  std::mutex mutex_;  ///< Guards the members below.
  std::vector<std::string> warnings_;
  std::unique_ptr<Sink> sink_;
};

/// Makes a sink in the memory that Python has for it.
void open_sink_in(SinkWriter* memory, const std::string& output, int width, int height, double frame_rate,
                  const std::optional<std::string>& audio_from, const std::string& format,
                  const std::string& codec, int quality, const Texts& metadata, const Texts& options,
                  bool low_latency, bool strict) {
  new (memory) SinkWriter({.output = output,
                           .width = checked_side(width),
                           .height = checked_side(height),
                           .frame_rate = frame_rate,
                           .variable_frame_rate = true,
                           .audio_from = audio_from,
                           .strict = strict,
                           .format = format,
                           .codec = codec,
                           .quality = quality,
                           .metadata = metadata,
                           .ffmpeg_options = options,
                           .low_latency = low_latency});
}

}  // namespace

void add_sink_writer(nb::module_& module) {
  nb::class_<SinkWriter>(module, "SinkWriter")
      .def("__init__", open_sink_in, "output"_a, "width"_a, "height"_a, "frame_rate"_a, "audio_from"_a.none(),
           "format"_a, "codec"_a, "quality"_a, "metadata"_a, "options"_a, "low_latency"_a, "strict"_a)
      .def("write", &SinkWriter::write, "image"_a.none(), "number"_a, "time"_a)
      .def("finish", &SinkWriter::finish, "last_duration"_a.none())
      .def("close", &SinkWriter::close)
      .def("is_window_closed", &SinkWriter::is_window_closed)
      .def("take_warnings", &SinkWriter::take_warnings);
}

}  // namespace streamdiffusion::python
