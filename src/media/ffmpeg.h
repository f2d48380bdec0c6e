#pragma once

// FFmpeg's structures with owners, and its errors as Error.

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavfilter/avfilter.h>
#include <libavfilter/buffersink.h>
#include <libavfilter/buffersrc.h>
#include <libavformat/avformat.h>
#include <libavutil/display.h>
#include <libavutil/opt.h>
#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>
}

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>

namespace streamdiffusion::ffmpeg {

/// AV_TIME_BASE_Q, which is no C++.
inline constexpr AVRational kMicroseconds{1, AV_TIME_BASE};

/// For FFmpeg's free functions that take the pointer's address.
template <auto kFree>
struct Free {
  template <typename T>
  void operator()(T* pointer) const {
    kFree(&pointer);
  }
};
struct FreeScaler {
  void operator()(SwsContext* scaler) const { sws_freeContext(scaler); }
};

using Input = std::unique_ptr<AVFormatContext, Free<avformat_close_input>>;
using Codec = std::unique_ptr<AVCodecContext, Free<avcodec_free_context>>;
using Parameters = std::unique_ptr<AVCodecParameters, Free<avcodec_parameters_free>>;
using Packet = std::unique_ptr<AVPacket, Free<av_packet_free>>;
using Picture = std::unique_ptr<AVFrame, Free<av_frame_free>>;
using Graph = std::unique_ptr<AVFilterGraph, Free<avfilter_graph_free>>;
using Scaler = std::unique_ptr<SwsContext, FreeScaler>;

/// The largest picture that is decoded: more would rather be an attack on memory than a picture.
inline constexpr std::int64_t kMaxPixels = std::int64_t{1} << 27;

/// Keeps FFmpeg's messages off the terminal (for the whole process) and remembers this thread's last error
/// for error_text. Every entry into FFmpeg from outside this folder calls it first.
void quieten();

/// What FFmpeg says of `code`, with the last error message that it logged on this thread since the last call.
std::string error_text(int code);

/// The last error message that FFmpeg logged on this thread, which is forgotten then; empty where there is
/// none.
std::string take_last_message();

/// The last error that a demuxer logged on this thread since the last call; empty if there was none. Demuxers
/// skip what is damaged without another sign.
std::string take_demuxer_error();

/// Throws Error "what: error_text" where `code` is negative, else gives it back.
int check(int code, const std::string& what);

/// Throws std::bad_alloc for a null pointer.
template <typename Owner>
Owner checked(Owner owner) {
  if (!owner) throw std::bad_alloc();
  return owner;
}

Parameters make_parameters();
Packet make_packet();
Picture make_picture();
/// A picture with memory of its own.
Picture make_picture(int width, int height, AVPixelFormat format);

using OptionMap = std::map<std::string, std::string>;

/// Throws Error, naming the first one, where users have given options that nothing took. `name`: the input or
/// output.
void check_all_taken(const OptionMap& left, const std::string& name);

/// Options for FFmpeg's functions that take and consume them.
class Options {
 public:
  Options() = default;
  Options(Options&& other) noexcept : dictionary_(std::exchange(other.dictionary_, nullptr)) {}
  Options& operator=(Options&&) = delete;
  ~Options() { av_dict_free(&dictionary_); }
  void set(const std::string& key, const std::string& value) {
    av_dict_set(&dictionary_, key.c_str(), value.c_str(), 0);
  }
  void set(const OptionMap& options) {
    for (const auto& [key, value] : options) set(key, value);
  }
  /// Those of `options` that FFmpeg has not consumed.
  [[nodiscard]] OptionMap left_of(const OptionMap& options) const;
  AVDictionary** address() { return &dictionary_; }

 private:
  AVDictionary* dictionary_ = nullptr;
};

/// A decoder for a stream, opened: `decoder`, or FFmpeg's choice for null. `what` begins errors. Larger
/// pictures than `most_pixels` are refused before there is memory for them.
Codec open_decoder(const AVCodecParameters& parameters, int threads, const std::string& what,
                   const AVCodec* decoder = nullptr, std::int64_t most_pixels = kMaxPixels);

/// The colour matrix of video that does not name one, as players guess it.
AVColorSpace default_matrix(int width, int height);

/// Full-range twins of pixel formats (yuvj420p) as the plain format.
AVPixelFormat plain_format(AVPixelFormat format);
bool is_full_range_twin(AVPixelFormat format);

/// The coefficients swscale wants; null for a matrix that swscale does not know.
const int* matrix_coefficients(AVColorSpace matrix);

}  // namespace streamdiffusion::ffmpeg
