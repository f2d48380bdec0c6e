#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "control/settings.h"
#include "server/protocol.h"
#include "server/stream_settings.h"
#include "streamdiffusion/stream.h"

namespace streamdiffusion::server {

/// A frame on its way through a session.
struct Arrival {
  FrameTag tag;
  std::chrono::steady_clock::time_point time;
  bool text_to_image = false;
};

/// What a session computes with: its settings, its streams, and which frames are in them. For the engine's
/// thread alone.
class SessionStream {
 public:
  /// Gets each frame that left the streams; a null picture where it was skipped or dropped.
  using Deliver = std::function<void(FrameState state, const Arrival& arrival, const Frame* picture)>;

  SessionStream(std::shared_ptr<Model> model, Settings settings, StreamSettings stream_settings,
                Deliver deliver);

  [[nodiscard]] const Settings& settings() const { return settings_; }
  [[nodiscard]] const StreamSettings& stream_settings() const { return stream_settings_; }
  [[nodiscard]] const std::shared_ptr<Model>& model() const { return model_; }

  /// Throw Error where the settings do not suit the model, and change nothing then. Another stream drops the
  /// frames in flight.
  void set(const Settings& settings);
  void set(std::shared_ptr<Model> model, const Settings& settings, const StreamSettings& stream_settings);

  /// A step on frames of the stream's size, `frame_buffer` of them. `begin` first, then the step that it
  /// describes (alone, or together with those of other sessions), then `end`.
  struct Input {
    Frame frame;
    std::optional<Arrival> arrival;  ///< none: it only fills the buffer
  };
  StreamStep begin_step(std::vector<Input> inputs);
  void end_step(const StreamStep& step);

  /// Whether frames wait in the stream for a further step.
  [[nodiscard]] bool in_flight() const { return image_stream_ && image_stream_->in_flight(); }
  /// Steps on the last input, so that they come out.
  void drain();

  /// Text to image, one picture for each.
  void make_pictures(const std::vector<Arrival>& arrivals);

  /// Drops what is in flight, as after an error.
  void reset();

 private:
  struct Tagged {
    std::int64_t number;
    Arrival arrival;
  };

  [[nodiscard]] static std::unique_ptr<Stream> make_stream(const std::shared_ptr<Model>& model,
                                                           const StreamSettings& stream_settings,
                                                           const Parameters& parameters);
  void show(const std::vector<Frame>& frames);
  void drop_all();

  std::shared_ptr<Model> model_;
  Settings settings_;
  StreamSettings stream_settings_;
  Deliver deliver_;
  std::unique_ptr<Stream> image_stream_;  // made when the first frame comes
  std::unique_ptr<Stream> text_stream_;   // likewise
  std::int64_t next_number_ = 0;
  std::deque<Tagged> under_way_;  // by number
  std::vector<Input> inputs_;     // of the step that has begun
  std::vector<Frame> in_;
  std::vector<Frame> out_;
};

}  // namespace streamdiffusion::server
