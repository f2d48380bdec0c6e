#pragma once

// Makes recordings whose times jump, as in concatenated MPEG transport streams.

#include <cmath>
#include <functional>

#include "media/video_input.h"
#include "support.h"

namespace streamdiffusion::tests {

/// Copies a file's packets, as `change` leaves them, to a file of another name. Packets for which it returns
/// false are left out.
inline void copy_packets(const std::string& from, const std::string& to,
                         const std::function<bool(AVPacket&, const AVFormatContext&)>& change) {
  ffmpeg::Options options;
  const ffmpeg::Input input = open_video_input(from, "", options);
  AVFormatContext* output = nullptr;
  ffmpeg::check(avformat_alloc_output_context2(&output, nullptr, nullptr, to.c_str()), to);
  for (unsigned i = 0; i < input->nb_streams; ++i) {
    AVStream* stream = avformat_new_stream(output, nullptr);
    avcodec_parameters_copy(stream->codecpar, input->streams[i]->codecpar);
    stream->codecpar->codec_tag = 0;
    stream->time_base = input->streams[i]->time_base;
  }
  ffmpeg::check(avio_open(&output->pb, to.c_str(), AVIO_FLAG_WRITE), to);
  ffmpeg::check(avformat_write_header(output, nullptr), to);
  const ffmpeg::Packet packet = ffmpeg::make_packet();
  while (av_read_frame(input.get(), packet.get()) >= 0) {
    if (!change(*packet, *input)) {
      av_packet_unref(packet.get());
      continue;
    }
    const AVRational time_base = input->streams[packet->stream_index]->time_base;
    av_packet_rescale_ts(packet.get(), time_base, output->streams[packet->stream_index]->time_base);
    ffmpeg::check(av_interleaved_write_frame(output, packet.get()), to);
  }
  ffmpeg::check(av_write_trailer(output), to);
  avio_closep(&output->pb);
  avformat_free_context(output);
}

/// Copies the packets of a file and moves their times to begin at `begin` seconds.
inline void move_times(const std::string& from, const std::string& to, double begin) {
  copy_packets(from, to, [begin](AVPacket& packet, const AVFormatContext& input) {
    const double shift = begin - static_cast<double>(input.start_time) / 1e6;
    const std::int64_t ticks = std::llround(shift / av_q2d(input.streams[packet.stream_index]->time_base));
    packet.pts += ticks;
    packet.dts += ticks;
    return true;
  });
}

/// Writes a file with a copy of flash_and_beep.ts for each of `begins`, the time in seconds at which it
/// begins.
inline std::string joined_recording(const ScratchFolder& folder, const std::vector<double>& begins) {
  std::string bytes;
  for (const double begin : begins) {
    move_times(fixture("flash_and_beep.ts"), folder / "part.ts", begin);
    bytes += read_bytes(folder / "part.ts");
  }
  write_bytes(folder / "joined.ts", bytes);
  return folder / "joined.ts";
}

}  // namespace streamdiffusion::tests
