#include "source_reader.h"

#include <nanobind/stl/map.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <map>
#include <memory>
#include <utility>

#include "calls.h"
#include "frame_arrays.h"
#include "streamdiffusion/error.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace streamdiffusion::python {

namespace {

constexpr std::size_t kFramesAhead = 2;  // one that is taken while the next is decoded

/// The reader of a Python object.
class PythonSource {
 public:
  explicit PythonSource(std::unique_ptr<SourceReader> reader) : reader_(std::move(reader)) {}
  ~PythonSource() { home_.keep_if_forked(reader_); }
  PythonSource(const PythonSource&) = delete;
  PythonSource& operator=(const PythonSource&) = delete;

  /// Returns the reader. Throws ArgumentError in a forked process.
  [[nodiscard]] SourceReader& reader() const {
    home_.require("source");
    return *reader_;
  }

 private:
  HomeProcess home_;
  std::unique_ptr<SourceReader> reader_;
};

/// Makes a source in the memory that Python has for it.
void open_source_in(PythonSource* memory, const std::string& input, const std::string& format, int width,
                    int height, const std::string& fit, int capture_width, int capture_height,
                    double frame_rate, const std::map<std::string, std::string>& options, bool strict) {
  SourceOptions source{.input = input,
                       .format = format,
                       .width = capture_width,
                       .height = capture_height,
                       .frame_rate = frame_rate,
                       .ffmpeg_options = options,
                       .strict = strict};
  if (width != 0 || height != 0) {
    checked_side(width);
    checked_side(height);
  }
  new (memory) PythonSource(std::make_unique<SourceReader>(std::move(source), width, height, parse_fit(fit)));
}

nb::object next_frame(const PythonSource& source) {
  const std::optional<Frame> frame = source.reader().next();
  if (!frame) {
    return nb::none();
  }
  return nb::make_tuple(array_of(*frame), frame->number, frame->time.count());
}

std::optional<std::int64_t> last_duration(const PythonSource& source) {
  const auto duration = source.reader().last_duration();
  return duration ? std::optional(duration->count()) : std::nullopt;
}

nb::dict describe(const PythonSource& source) {
  const SourceInfo& info = source.reader().info();
  nb::dict description;
  description["width"] = info.width;
  description["height"] = info.height;
  description["frame_rate"] = info.frame_rate;
  description["variable_frame_rate"] = info.variable_frame_rate;
  description["frames"] = info.frames;
  description["has_audio"] = info.has_audio;
  return description;
}

}  // namespace

SourceReader::SourceReader(SourceOptions options, int width, int height, Fit fit)
    : options_(std::move(options)), width_(width), height_(height), fit_(fit) {
  options_.stop = &stop_;
  options_.live = is_live(options_);
  options_.on_warning = [this](const std::string& message) {
    const std::scoped_lock lock(mutex_);
    warnings_.push_back(message);
  };
  run_interruptibly([this] { source_ = open_source(options_); }, stop_);
  info_ = source_->info();
  thread_ = std::thread([this] { read_all(); });
}

SourceReader::~SourceReader() {
  const GilRelease released;
  close();
  if (thread_.joinable()) {
    thread_.join();
  }
}

void SourceReader::close() {
  stop_ = true;
  const std::scoped_lock lock(mutex_);
  if (!frames_.empty()) {
    last_duration_.reset();
    frames_.clear();
  }
  changed_.notify_all();
}

void SourceReader::read_all() {
  try {
    while (wait_for_room()) {
      Frame frame;
      if (!source_->read(frame)) {
        break;
      }
      if (width_ != 0) {
        Frame fitted;
        fitted.resize(width_, height_);
        fit_frame(frame, fit_, fitted);
        frame = std::move(fitted);
      }
      put(std::move(frame));
    }
    end(nullptr);
  } catch (...) {
    end(std::current_exception());
  }
}

bool SourceReader::wait_for_room() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return stop_ || options_.live || frames_.size() < kFramesAhead; });
  return !stop_;
}

void SourceReader::put(Frame frame) {
  const std::scoped_lock lock(mutex_);
  if (stop_) {
    return;
  }
  if (options_.live) {
    frames_.clear();
  }
  frames_.push_back(std::move(frame));
  changed_.notify_all();
}

void SourceReader::end(std::exception_ptr failure) {
  const std::chrono::microseconds duration = source_->last_duration();
  const std::scoped_lock lock(mutex_);
  has_ended_ = true;
  if (!failure && !stop_) {
    last_duration_ = duration;
  }
  failure_ = std::move(failure);
  changed_.notify_all();
}

std::optional<Frame> SourceReader::next() {
  while (true) {
    {
      const GilRelease released;
      std::unique_lock lock(mutex_);
      changed_.wait_for(lock, kSignalInterval, [this] { return stop_ || has_ended_ || !frames_.empty(); });
      if (!frames_.empty()) {
        Frame frame = std::move(frames_.front());
        frames_.pop_front();
        changed_.notify_all();
        return frame;
      }
      if (failure_ && !stop_) {
        std::rethrow_exception(std::exchange(failure_, nullptr));
      }
      if (stop_ || has_ended_) {
        return std::nullopt;
      }
    }
    check_signals();
  }
}

std::optional<std::chrono::microseconds> SourceReader::last_duration() {
  const GilRelease released;
  const std::scoped_lock lock(mutex_);
  return frames_.empty() ? last_duration_ : std::nullopt;
}

std::vector<std::string> SourceReader::take_warnings() {
  const std::scoped_lock lock(mutex_);
  return std::exchange(warnings_, {});
}

void add_source_reader(nb::module_& module) {
  nb::class_<PythonSource>(module, "SourceReader")
      .def("__init__", open_source_in, "input"_a, "format"_a, "width"_a, "height"_a, "fit"_a,
           "capture_width"_a, "capture_height"_a, "frame_rate"_a, "options"_a, "strict"_a)
      .def("info", describe)
      .def("next", next_frame)
      .def("last_duration", last_duration)
      .def("close", [](const PythonSource& source) { source.reader().close(); })
      .def("take_warnings", [](const PythonSource& source) { return source.reader().take_warnings(); });
}

}  // namespace streamdiffusion::python
