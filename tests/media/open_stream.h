#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "media/ffmpeg.h"
#include "media/problem_report.h"

namespace streamdiffusion::tests {

/// An input of a format with one video stream, whose time base is a millisecond.
class OpenStream {
 public:
  static constexpr double kRate = 25;  ///< Frames a second.

  OpenStream(const char* format, AVCodecID codec) : input_(avformat_alloc_context()) {
    input_->iformat = av_find_input_format(format);
    stream_ = avformat_new_stream(input_.get(), nullptr);
    stream_->codecpar->codec_type = AVMEDIA_TYPE_VIDEO;
    stream_->codecpar->codec_id = codec;
    stream_->time_base = {1, 1000};
  }

  [[nodiscard]] AVFormatContext& input() const { return *input_; }
  [[nodiscard]] AVStream& stream() const { return *stream_; }

  /// Returns a packet of the stream at a time in milliseconds.
  [[nodiscard]] ffmpeg::Packet packet_at(std::int64_t milliseconds, int flags = 0) const {
    ffmpeg::Packet packet = ffmpeg::make_packet();
    packet->stream_index = stream_->index;
    packet->pts = packet->dts = milliseconds;
    packet->duration = 1000 / static_cast<int>(kRate);
    packet->flags = flags;
    return packet;
  }

 private:
  struct FreeContext {
    void operator()(AVFormatContext* context) const { avformat_free_context(context); }
  };

  std::unique_ptr<AVFormatContext, FreeContext> input_;
  AVStream* stream_;
};

/// Collects the warnings of an input called "clip".
class Problems {
 public:
  Problems() {
    options_.input = "clip";
    options_.on_warning = [this](const std::string& problem) { told_.push_back(problem); };
  }
  [[nodiscard]] ProblemReport report() const { return ProblemReport(options_); }
  [[nodiscard]] const std::vector<std::string>& told() const { return told_; }

 private:
  SourceOptions options_;
  std::vector<std::string> told_;
};

}  // namespace streamdiffusion::tests
