#include "media/live_source.h"

#include <cmath>
#include <thread>
#include <utility>

#include "media/video_input.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion {
namespace {

constexpr std::chrono::seconds kOpening{10};         // Limit of opening an address or device.
constexpr std::chrono::milliseconds kNothingYet{2};  // Pause before a camera is polled again.
constexpr double kUsualFrameRate = 25;               // As FFmpeg assumes.
constexpr double kHighestFrameRate = 240;            // Higher values are clock rates, not frame rates.

std::string exact_seconds_text(std::chrono::milliseconds time) {
  std::string text = std::to_string(static_cast<double>(time.count()) / 1000);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text + " s";
}

}  // namespace

LiveSource::LiveSource(const SourceOptions& options)
    : name_(options.input),
      patience_(options.patience),
      interrupt_(options.stop),
      packet_(ffmpeg::make_packet()),
      decoded_(ffmpeg::make_frame()) {
  interrupt_.set_timeout(kOpening);
  input_ = open_live_input(options, interrupt_, &colours_);
  times_.emplace(*input_);
  stream_ = find_video_stream(*input_);
  if (stream_ == nullptr) throw MediaError(name_ + " holds no video");
  constexpr int kThreads = 1;  // Each further thread would delay by a frame.
  decoder_ = ffmpeg::open_decoder(*stream_->codecpar, kThreads, "cannot decode " + name_);
  decoder_->pkt_timebase = stream_->time_base;
  if (next_frame() == ReadOutcome::end)
    throw MediaError("cannot read " + name_ + ": it ended before the first frame");
  frame_waiting_ = true;
  fill_info();
  const std::string matrix = unusual_matrix(*decoded_);
  if (!matrix.empty() && options.on_warning) options.on_warning(unusual_matrix_text(name_, matrix));
}

void LiveSource::fill_info() {
  const std::int32_t* const matrix = display_matrix(*stream_);
  orientation_ = matrix != nullptr ? orientation_from_matrix(matrix) : Orientation{};
  const SquareSize size = square_size(decoded_->width, decoded_->height, pixel_aspect());
  info_.width = size.width;
  info_.height = size.height;
  if (orientation_.transpose) std::swap(info_.width, info_.height);
  info_.frame_rate = av_q2d(av_guess_frame_rate(input_.get(), stream_, nullptr));
  const bool plausible =
      std::isfinite(info_.frame_rate) && info_.frame_rate > 0 && info_.frame_rate <= kHighestFrameRate;
  if (!plausible) info_.frame_rate = kUsualFrameRate;
  info_.variable_frame_rate = true;
  recorded_ = input_->duration != AV_NOPTS_VALUE && input_->duration > 0;
}

AVRational LiveSource::pixel_aspect() const {
  return av_guess_sample_aspect_ratio(input_.get(), stream_, decoded_.get());
}

bool LiveSource::read(Frame& frame) {
  if (frames_read_ == 0) first_read_ = Interrupt::Clock::now();
  if (!std::exchange(frame_waiting_, false)) {
    interrupt_.set_timeout(patience_);
    if (next_frame() == ReadOutcome::end) return false;
  }
  colours_.apply(stream_->index, *decoded_);
  try {
    converter_.convert(*decoded_, ffmpeg::default_matrix(decoded_->width, decoded_->height), pixel_aspect(),
                       orientation_, frame);
  } catch (const Error& error) {
    throw MediaError("cannot read " + name_ + ": " + error.what());
  }
  frame.number = frames_read_++;
  frame.time = time();
  return true;
}

std::chrono::microseconds LiveSource::time() {
  if (recorded_ && decoded_->best_effort_timestamp != AV_NOPTS_VALUE) {
    return std::chrono::microseconds(
        av_rescale_q(decoded_->best_effort_timestamp, stream_->time_base, ffmpeg::kMicroseconds) -
        start_time(*stream_));
  }
  return std::chrono::duration_cast<std::chrono::microseconds>(Interrupt::Clock::now() - first_read_);
}

LiveSource::ReadOutcome LiveSource::next_frame() {
  while (!interrupt_.stopped()) {
    const int result = avcodec_receive_frame(decoder_.get(), decoded_.get());
    if (result >= 0) return ReadOutcome::frame;
    if (!feed_decoder()) break;
  }
  return ReadOutcome::end;
}

/// Waits for a packet of the video and passes it to the decoder. Returns false at the end.
bool LiveSource::feed_decoder() {
  while (true) {
    av_packet_unref(packet_.get());
    const int result = av_read_frame(input_.get(), packet_.get());
    if (interrupt_.stopped()) return false;
    if (result >= 0) times_->correct(*packet_);
    if (result >= 0 && packet_->stream_index == stream_->index) break;
    if (interrupt_.time_is_up())
      throw MediaError(name_ + " has sent no frame for " + exact_seconds_text(patience_));
    if (result == AVERROR_EOF) {
      if (recorded_) return false;
      throw MediaError(name_ + " has ended");
    }
    if (result == AVERROR(EAGAIN)) {
      std::this_thread::sleep_for(kNothingYet);
    } else {
      ffmpeg::check(result, name_ + " is lost");
    }
  }
  // An error is ignored: the decoder skips packets that it cannot use.
  avcodec_send_packet(decoder_.get(), packet_.get());
  return true;
}

}  // namespace streamdiffusion
