#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "server/kept_pixels.h"
#include "server/protocol.h"
#include "server/stream_settings.h"
#include "settings/settings.h"
#include "streamdiffusion/frame_stream.h"
#include "streamdiffusion/stream.h"

namespace streamdiffusion::server {

/// The tag and arrival of a frame that a session processes.
struct Arrival {
  FrameTag tag;
  std::chrono::steady_clock::time_point time;
  bool text_to_image = false;
  /// Pixels of the decoded frame that a mask keeps; null: none.
  std::shared_ptr<const KeptPixels> kept = nullptr;
};

/// Computes a session's frames: holds its settings, its streams, and the tags of the frames in flight. Used
/// on the engine's thread only.
class SessionStream {
 public:
  /// Callback for each frame that leaves the streams. `image` is null if the frame was skipped or dropped.
  using Deliver = std::function<void(FrameState state, const Arrival& arrival, const Frame* image)>;

  SessionStream(std::shared_ptr<Model> model, Settings settings, StreamSettings stream_settings,
                Deliver deliver);

  [[nodiscard]] const Settings& settings() const { return settings_; }
  [[nodiscard]] const StreamSettings& stream_settings() const { return stream_settings_; }
  [[nodiscard]] const std::shared_ptr<Model>& model() const { return model_; }

  /// Applies other settings. Throws Error, and changes nothing, if the model cannot use them.
  void set_settings(const Settings& settings);
  /// Also changes the model and the stream's settings, which drops the frames in flight. Throws Error, and
  /// changes nothing, if the model cannot use them.
  void set_stream(std::shared_ptr<Model> model, const Settings& settings,
                  const StreamSettings& stream_settings);

  /// A frame of the stream's size. A step takes `frame_buffer` of them.
  struct Input {
    Frame frame;
    std::optional<Arrival> arrival;  ///< None: the frame only fills the frame buffer.
  };
  /// Prepares a step. The caller then runs the returned step, alone or together with those of other sessions.
  StreamStep begin_step(std::vector<Input> inputs);
  /// Delivers the frames that left the stream in the step.
  void end_step(const StreamStep& step);

  /// True if frames wait in the stream for a further step.
  [[nodiscard]] bool in_flight() const { return image_stream_ && image_stream_->in_flight(); }
  /// Steps on the last input to bring out frames in flight.
  void drain();

  /// Makes a text-to-image frame for each arrival.
  void make_text_images(const std::vector<Arrival>& arrivals);

  /// Drops all frames in flight and frees the streams. Used after an error.
  void reset();

 private:
  struct Tagged {
    std::int64_t number;
    Arrival arrival;
  };

  [[nodiscard]] static std::unique_ptr<Stream> make_stream(const std::shared_ptr<Model>& model,
                                                           const StreamSettings& stream_settings,
                                                           const Parameters& parameters);
  void deliver_frames(const std::vector<Frame>& frames);
  void drop_all();

  std::shared_ptr<Model> model_;
  Settings settings_;
  StreamSettings stream_settings_;
  Deliver deliver_;
  std::unique_ptr<Stream> image_stream_;  // Made at the first image-to-image frame or change.
  std::unique_ptr<Stream> text_stream_;   // Made at the first text-to-image frame.
  std::int64_t next_number_ = 0;
  std::deque<Tagged> frames_in_flight_;      // Frames in flight, ordered by number.
  std::vector<Input> inputs_;                // Inputs between begin_step and end_step.
  std::optional<FrameStream> image_frames_;  // Arguments of the step between begin_step and end_step.
  std::vector<Frame> in_;
  std::vector<Frame> out_;
};

}  // namespace streamdiffusion::server
