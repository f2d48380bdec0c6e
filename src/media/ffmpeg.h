#pragma once

// Owning pointers to FFmpeg's structures, and conversion of its errors to Error.

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

#include "core/free_with.h"

namespace streamdiffusion::ffmpeg {

/// AV_TIME_BASE_Q, whose macro is not valid C++.
inline constexpr AVRational kMicroseconds{1, AV_TIME_BASE};

/// Deleter for FFmpeg's free functions that take the pointer's address. FreeWith is for those that take the
/// pointer.
template <auto kFree>
struct Free {
  template <typename T>
  void operator()(T* pointer) const {
    kFree(&pointer);
  }
};

using Input = std::unique_ptr<AVFormatContext, Free<avformat_close_input>>;
using Codec = std::unique_ptr<AVCodecContext, Free<avcodec_free_context>>;
using Parameters = std::unique_ptr<AVCodecParameters, Free<avcodec_parameters_free>>;
using Packet = std::unique_ptr<AVPacket, Free<av_packet_free>>;
using FramePointer = std::unique_ptr<AVFrame, Free<av_frame_free>>;
using Graph = std::unique_ptr<AVFilterGraph, Free<avfilter_graph_free>>;
using Scaler = std::unique_ptr<SwsContext, FreeWith<sws_freeContext>>;

/// Most pixels of a frame that is decoded. A larger one is more likely an attack on memory.
inline constexpr std::int64_t kMaxPixels = std::int64_t{1} << 27;

/// Keeps FFmpeg's messages off the terminal, for the whole process. Forgets this thread's last error message,
/// which error_text reports. Every function that other folders call and that uses FFmpeg calls it first.
void silence_log();

/// FFmpeg's text for an error code, with the last error message that it logged on this thread since the last
/// call.
std::string error_text(int code);

/// Returns and forgets the last error message that FFmpeg logged on this thread; empty if there was none.
std::string take_last_message();

/// Returns and forgets the last error that a demuxer logged on this thread; empty if there was none. Demuxers
/// report skipped damage in no other way.
std::string take_demuxer_error();

/// Returns `code`, or throws Error("what: error_text") if it is negative. Throws std::bad_alloc for
/// AVERROR(ENOMEM).
int check(int code, const std::string& what);

/// Returns `owner`, or throws std::bad_alloc if it is null.
template <typename Owner>
Owner checked(Owner owner) {
  if (!owner) throw std::bad_alloc();
  return owner;
}

Parameters make_parameters();
Packet make_packet();
FramePointer make_frame();
/// Makes a frame with allocated memory.
FramePointer make_frame(int width, int height, AVPixelFormat format);

using OptionMap = std::map<std::string, std::string>;

/// Throws Error, which names the first of `left`, if users gave options that nothing took. `name` is the
/// input or output.
void check_all_taken(const OptionMap& left, const std::string& name);

/// Options for FFmpeg's functions, which consume those that they know.
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
  /// The options among `options` that FFmpeg has not consumed.
  [[nodiscard]] OptionMap left_of(const OptionMap& options) const;
  AVDictionary** address() { return &dictionary_; }

 private:
  AVDictionary* dictionary_ = nullptr;
};

/// Opens a decoder for a stream: `decoder`, or FFmpeg's choice if null. `threads` 0: FFmpeg chooses. Frames
/// of more than `most_pixels` are refused before memory is allocated. Throws Error, whose text begins with
/// `what`.
Codec open_decoder(const AVCodecParameters& parameters, int threads, const std::string& what,
                   const AVCodec* decoder = nullptr, std::int64_t most_pixels = kMaxPixels);

/// The colour matrix that players assume, by the size, for video that does not name one.
AVColorSpace default_matrix(int width, int height);

/// Converts full-range variants of pixel formats (yuvj420p) to the plain format (yuv420p); returns others
/// unchanged.
AVPixelFormat plain_format(AVPixelFormat format);
/// True for the full-range variants that plain_format converts.
bool is_full_range_twin(AVPixelFormat format);

/// swscale's coefficients of a colour matrix; null if swscale does not support it.
const int* matrix_coefficients(AVColorSpace matrix);

}  // namespace streamdiffusion::ffmpeg
