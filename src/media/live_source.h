#pragma once

#include <optional>

#include "media/continuous_times.h"
#include "media/frame_converter.h"
#include "media/interrupt.h"
#include "media/live_input.h"
#include "media/orientation.h"

namespace streamdiffusion {

/// Reads frames from a camera, a screen or an address. Frames damaged by the network are shown as the decoder
/// conceals the damage.
class LiveSource : public Source {
 public:
  /// Opens the source and waits for the first frame. Throws Error.
  explicit LiveSource(const SourceOptions& options);

  [[nodiscard]] const SourceInfo& info() const override { return info_; }
  /// Returns false if the source was stopped or a recording on a server has ended. Throws Error if the source
  /// is lost.
  bool read(Frame& frame) override;

 private:
  enum class ReadOutcome { frame, end };
  ReadOutcome next_frame();
  bool feed_decoder();
  void fill_info();
  [[nodiscard]] AVRational pixel_aspect() const;
  [[nodiscard]] std::chrono::microseconds time();

  std::string name_;
  std::chrono::milliseconds patience_;
  Interrupt interrupt_;
  ContainerColours colours_;
  ffmpeg::Input input_;
  std::optional<ContinuousTimes> times_;  ///< Corrects the times of input_.
  AVStream* stream_ = nullptr;
  ffmpeg::Codec decoder_;
  ffmpeg::Packet packet_;
  ffmpeg::FramePointer decoded_;
  FrameConverter converter_;
  Orientation orientation_;
  SourceInfo info_;
  bool recorded_ = false;       ///< True if the source has a length.
  bool frame_waiting_ = false;  ///< True if decoded_ is the next frame to return.
  std::int64_t frames_read_ = 0;
  Interrupt::Clock::time_point first_read_;
};

}  // namespace streamdiffusion
