#pragma once

#include <nanobind/nanobind.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "calls.h"
#include "model.h"
#include "stream_frames.h"
#include "streamdiffusion/stream.h"

namespace streamdiffusion::python {

/// A stream that Python calls. Its methods are called with the GIL held and compute without it. `on_step` is
/// called before each UNet call (StepWatch).
class PythonStream {
 public:
  /// `settings` is JSON. `embeds` may have arrays or None under "prompt_embeds" and "negative_prompt_embeds".
  PythonStream(std::shared_ptr<PythonModel> model, const StreamOptions& options, const std::string& settings,
               const nanobind::dict& embeds);
  ~PythonStream() { model_->calls.destroy(std::move(stream_)); }
  PythonStream(const PythonStream&) = delete;
  PythonStream& operator=(const PythonStream&) = delete;

  void set(const std::string& settings, const nanobind::dict& embeds);
  /// Returns all settings as JSON.
  std::string settings();

  // Inputs and results have the form of Inputs and of Results::take.
  nanobind::list step(const nanobind::list& inputs, const std::string& output, nanobind::handle on_step);
  /// Runs a step of several streams of one model. `steps` has tuples (stream, inputs, on_step). Returns the
  /// results of each.
  static nanobind::list step_together(const nanobind::list& steps, const std::string& output);
  nanobind::list drain(const std::string& output, nanobind::handle on_step);
  nanobind::list generate(const std::string& output, nanobind::handle on_step);
  /// `noise` is a float32 array [frame_buffer_size][steps][channels][height][width].
  nanobind::list generate_from(nanobind::handle noise, const std::string& output, nanobind::handle on_step);
  nanobind::list generate_image(const nanobind::list& input, const std::string& output,
                                nanobind::handle on_step);
  nanobind::list generate_images(const std::vector<std::uint32_t>& variations, const std::string& output,
                                 nanobind::handle on_step);
  nanobind::object encode(nanobind::handle image);
  nanobind::object decode(nanobind::handle latents, const std::string& output);

  /// Stops the call that runs, from another thread.
  void cancel() { watch_.cancel(); }
  /// Frees the stream. Later calls throw ArgumentError.
  void close();
  [[nodiscard]] bool is_closed() const { return stream_ == nullptr; }
  bool in_flight();
  StreamStatistics statistics();
  [[nodiscard]] const FrameShapes& shapes() const { return shapes_; }

 private:
  class WatchedTurn;
  struct SharedStep;

  /// Runs a call in its turn, without the GIL.
  template <typename Call>
  auto run(nanobind::handle on_step, Call&& call);
  Stream& open_stream();
  [[nodiscard]] SettingsWithLoras changed(SettingsWithLoras settings, const std::string& json,
                                          const nanobind::dict& embeds) const;
  [[nodiscard]] std::size_t buffer_size() const { return static_cast<std::size_t>(frame_buffer_size_); }

  std::shared_ptr<PythonModel> model_;
  int frame_buffer_size_;
  StepWatch watch_;
  FrameShapes shapes_;
  SettingsWithLoras settings_;
  std::unique_ptr<Stream> stream_;
};

/// Adds the class Stream to the module.
void add_stream(nanobind::module_& module);

}  // namespace streamdiffusion::python
