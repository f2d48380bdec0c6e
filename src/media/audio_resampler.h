#pragma once

#include <functional>
#include <memory>
#include <string>

extern "C" {
#include <libavutil/audio_fifo.h>
#include <libswresample/swresample.h>
}

#include "media/ffmpeg.h"

namespace streamdiffusion {

/// Brings sound of any format into an encoder's, in frames of the encoder's size and without gaps: it begins
/// at time 0, silence fills what is missing, and the format may change on the way.
class AudioResampler {
 public:
  using OnFrame = std::function<void(const AVFrame&)>;

  /// `encoder` is open and outlives the resampler; `what` begins errors. Throws Error where what `decoder`
  /// gives cannot be converted.
  AudioResampler(const AVCodecContext& decoder, const AVCodecContext& encoder, std::string what);

  /// Takes decoded samples whose `pts` counts from the first video frame in `time_base`. Frames that come out
  /// have the encoder's time base. Throws Error where the samples cannot be converted.
  void resample(const AVFrame& samples, AVRational time_base, const OnFrame& on_frame);
  /// Adds silence up to `seconds`.
  void add_silence_until(double seconds, const OnFrame& on_frame);
  /// Gives what is left, in a last frame that may be shorter.
  void flush(const OnFrame& on_frame);

 private:
  struct FreeFifo {
    void operator()(AVAudioFifo* fifo) const { av_audio_fifo_free(fifo); }
  };
  using Converter = std::unique_ptr<SwrContext, ffmpeg::Free<swr_free>>;

  [[nodiscard]] bool takes(const AVFrame& samples) const;
  void make_converter(AVSampleFormat format, int rate, const AVChannelLayout& layout);
  [[nodiscard]] std::int64_t samples_missing(std::int64_t begin) const;
  void add_silence(std::int64_t count, const OnFrame& on_frame);
  void convert(const AVFrame& samples, std::int64_t skipped);
  void convert(const std::uint8_t** data, int count);
  void drain();
  void give(int at_least, const OnFrame& on_frame);

  const AVCodecContext& encoder_;
  std::string what_;
  int frame_size_;          ///< samples in a frame that comes out
  ffmpeg::Picture format_;  ///< a frame without data in the format that converter_ takes
  Converter converter_;
  ffmpeg::Picture chunk_;  ///< room for what comes out of converter_
  std::unique_ptr<AVAudioFifo, FreeFifo> fifo_;
  std::int64_t given_ = 0;  ///< samples that came out
  bool started_ = false;    ///< samples have come in
};

}  // namespace streamdiffusion
