#pragma once

#include <functional>
#include <memory>
#include <string>

extern "C" {
#include <libavutil/audio_fifo.h>
#include <libswresample/swresample.h>
}

#include "core/free_with.h"
#include "media/ffmpeg.h"

namespace streamdiffusion {

/// Converts sound to an encoder's format, in frames of the encoder's size and without gaps. The output begins
/// at time 0; silence fills gaps. The input's format may change at any time.
class AudioResampler {
 public:
  using OnFrame = std::function<void(const AVFrame&)>;

  /// `encoder` is open and outlives the resampler. Errors begin with `what`. Throws Error if the decoder's
  /// format cannot be converted.
  AudioResampler(const AVCodecContext& decoder, const AVCodecContext& encoder, std::string what);

  /// Converts decoded samples. Their `pts` counts from the first video frame, in `time_base`. Output frames
  /// have the encoder's time base. Throws Error if the samples cannot be converted.
  void resample(const AVFrame& samples, AVRational time_base, const OnFrame& on_frame);
  /// Adds silence up to `seconds` after the first video frame.
  void add_silence_until(double seconds, const OnFrame& on_frame);
  /// Passes on the remaining samples. The last frame may be shorter.
  void flush(const OnFrame& on_frame);

 private:
  using Converter = std::unique_ptr<SwrContext, ffmpeg::Free<swr_free>>;

  [[nodiscard]] bool accepts(const AVFrame& samples) const;
  void make_converter(AVSampleFormat format, int rate, const AVChannelLayout& layout);
  [[nodiscard]] std::int64_t samples_missing(std::int64_t begin) const;
  void add_silence(std::int64_t count, const OnFrame& on_frame);
  void convert(const AVFrame& samples, std::int64_t skipped);
  void convert(const std::uint8_t** data, int count);
  void drain();
  void emit_frames(int at_least, const OnFrame& on_frame);

  const AVCodecContext& encoder_;
  std::string what_;
  int frame_size_;               ///< Samples of each channel in an output frame.
  ffmpeg::FramePointer format_;  ///< An empty frame with the format that converter_ takes.
  Converter converter_;
  ffmpeg::FramePointer chunk_;  ///< Output buffer of converter_.
  std::unique_ptr<AVAudioFifo, FreeWith<av_audio_fifo_free>> fifo_;
  std::int64_t emitted_samples_ = 0;  ///< Samples of each channel passed on so far.
  bool started_ = false;              ///< True once samples have come in.
};

}  // namespace streamdiffusion
