#pragma once

#include <optional>

#include "media/continuous_times.h"
#include "media/frame_converter.h"
#include "media/interrupt.h"
#include "media/live_input.h"
#include "media/orientation.h"

namespace streamdiffusion {

/// What a camera, a screen or an address gives, as long as it does. Pictures that the network has damaged are
/// shown as the decoder mends them.
class LiveSource : public Source {
 public:
  /// Opens it and waits for the first picture. Throws Error.
  explicit LiveSource(const SourceOptions& options);

  [[nodiscard]] const SourceInfo& info() const override { return info_; }
  /// False where it was stopped, or where a recording that a server sends is at its end. Throws Error where
  /// the source is lost.
  bool read(Frame& frame) override;

 private:
  enum class Next { picture, end };
  Next next_picture();
  bool feed_decoder();
  void fill_info();
  [[nodiscard]] AVRational pixel_aspect() const;
  [[nodiscard]] std::chrono::microseconds time();

  std::string name_;
  std::chrono::milliseconds patience_;
  Interrupt interrupt_;
  ContainerColours colours_;
  ffmpeg::Input input_;
  std::optional<ContinuousTimes> times_;  ///< of input_
  AVStream* stream_ = nullptr;
  ffmpeg::Codec decoder_;
  ffmpeg::Packet packet_;
  ffmpeg::Picture picture_;
  FrameConverter converter_;
  Orientation orientation_;
  SourceInfo info_;
  bool recorded_ = false;         ///< it has a length
  bool picture_waiting_ = false;  ///< picture_ is not given yet
  std::int64_t frames_read_ = 0;
  Interrupt::Clock::time_point first_read_;
};

}  // namespace streamdiffusion
