#include "media/ffmpeg.h"

#include <array>
#include <cstdarg>
#include <cstdio>
#include <new>
#include <utility>

#include "streamdiffusion/error.h"

namespace streamdiffusion::ffmpeg {
namespace {

std::string& last_message() {
  thread_local std::string message;
  return message;
}

std::string& last_demuxer_message() {
  thread_local std::string message;
  return message;
}

/// True if `context` is a demuxer. It is null or an FFmpeg structure, which begins with a pointer to its
/// class.
bool is_demuxer(void* context) {
  if (context == nullptr) return false;
  const AVClass* type = *static_cast<const AVClass**>(context);
  if (type == nullptr || type->get_category == nullptr) return false;
  return type->get_category(context) == AV_CLASS_CATEGORY_DEMUXER;
}

void remember_error(void* context, int level, const char* format, va_list arguments) {
  if (level > AV_LOG_ERROR) return;
  std::array<char, 512> line{};
  std::vsnprintf(line.data(), line.size(), format, arguments);
  std::string text = line.data();
  while (!text.empty() && (text.back() == '\n' || text.back() == '.')) text.pop_back();
  if (text.empty()) return;
  if (is_demuxer(context)) last_demuxer_message() = text;
  last_message() = std::move(text);
}

}  // namespace

void silence_log() {
  [[maybe_unused]] static const bool done = [] {
    av_log_set_callback(remember_error);
    return true;
  }();
  last_message().clear();
}

std::string error_text(int code) {
  std::array<char, AV_ERROR_MAX_STRING_SIZE> buffer{};
  av_strerror(code, buffer.data(), buffer.size());
  std::string text = buffer.data();
  if (!last_message().empty()) text += " (" + last_message() + ")";
  last_message().clear();
  return text;
}

std::string take_last_message() { return std::exchange(last_message(), {}); }

std::string take_demuxer_error() { return std::exchange(last_demuxer_message(), {}); }

int check(int code, const std::string& what) {
  if (code == AVERROR(ENOMEM)) throw std::bad_alloc();
  if (code < 0) throw MediaError(what + ": " + error_text(code));
  return code;
}

void check_all_taken(const OptionMap& left, const std::string& name) {
  if (left.empty()) return;
  throw MediaError("FFmpeg has no option " + left.begin()->first + " for " + name);
}

OptionMap Options::left_of(const OptionMap& options) const {
  OptionMap left;
  for (const auto& option : options) {
    if (av_dict_get(dictionary_, option.first.c_str(), nullptr, 0) != nullptr) left.insert(option);
  }
  return left;
}

Parameters make_parameters() { return checked(Parameters(avcodec_parameters_alloc())); }

Packet make_packet() { return checked(Packet(av_packet_alloc())); }

FramePointer make_frame() { return checked(FramePointer(av_frame_alloc())); }

FramePointer make_frame(int width, int height, AVPixelFormat format) {
  FramePointer frame = make_frame();
  frame->width = width;
  frame->height = height;
  frame->format = format;
  check(av_frame_get_buffer(frame.get(), 0), "cannot allocate a frame");
  return frame;
}

Codec open_decoder(const AVCodecParameters& parameters, int threads, const std::string& what,
                   const AVCodec* decoder, std::int64_t most_pixels) {
  if (decoder == nullptr) decoder = avcodec_find_decoder(parameters.codec_id);
  if (parameters.codec_id == AV_CODEC_ID_NONE) {
    std::array<char, AV_FOURCC_MAX_STRING_SIZE> tag{};
    av_fourcc_make_string(tag.data(), parameters.codec_tag);
    throw MediaError(what + ": its codec, which the container calls " + tag.data() +
                     ", is not known to this FFmpeg; a newer one may know it");
  }
  if (decoder == nullptr) {
    throw MediaError(what + ": this FFmpeg has no decoder for " + avcodec_get_name(parameters.codec_id) +
                     " (`ffmpeg -decoders` lists those it has)");
  }
  Codec codec = checked(Codec(avcodec_alloc_context3(decoder)));
  check(avcodec_parameters_to_context(codec.get(), &parameters), what);
  codec->thread_count = threads;
  codec->max_pixels = most_pixels;
  codec->err_recognition = AV_EF_CRCCHECK;
  // Intra-only decoders report damage only with AV_EF_EXPLODE. Others mark the frame, and the flag makes the
  // MPEG-4 decoders of FFmpeg 5.1 abort the process. TIFF's decoder would fail at every unknown tag.
  const AVCodecDescriptor* descriptor = avcodec_descriptor_get(parameters.codec_id);
  if (descriptor != nullptr && (descriptor->props & AV_CODEC_PROP_INTRA_ONLY) != 0 &&
      parameters.codec_id != AV_CODEC_ID_TIFF) {
    codec->err_recognition |= AV_EF_EXPLODE;
  }
  check(avcodec_open2(codec.get(), decoder, nullptr), what + ": cannot open the decoder " + decoder->name);
  return codec;
}

AVColorSpace default_matrix(int width, int height) {
  return width >= 1280 || height > 576 ? AVCOL_SPC_BT709 : AVCOL_SPC_SMPTE170M;
}

AVPixelFormat plain_format(AVPixelFormat format) {
  switch (format) {
    case AV_PIX_FMT_YUVJ420P:
      return AV_PIX_FMT_YUV420P;
    case AV_PIX_FMT_YUVJ422P:
      return AV_PIX_FMT_YUV422P;
    case AV_PIX_FMT_YUVJ444P:
      return AV_PIX_FMT_YUV444P;
    case AV_PIX_FMT_YUVJ440P:
      return AV_PIX_FMT_YUV440P;
    case AV_PIX_FMT_YUVJ411P:
      return AV_PIX_FMT_YUV411P;
    default:
      return format;
  }
}

bool is_full_range_twin(AVPixelFormat format) { return plain_format(format) != format; }

const int* matrix_coefficients(AVColorSpace matrix) {
  switch (matrix) {
    case AVCOL_SPC_BT709:
      return sws_getCoefficients(SWS_CS_ITU709);
    case AVCOL_SPC_BT470BG:
    case AVCOL_SPC_SMPTE170M:
      return sws_getCoefficients(SWS_CS_ITU601);
    case AVCOL_SPC_FCC:
      return sws_getCoefficients(SWS_CS_FCC);
    case AVCOL_SPC_SMPTE240M:
      return sws_getCoefficients(SWS_CS_SMPTE240M);
    case AVCOL_SPC_BT2020_NCL:
    case AVCOL_SPC_BT2020_CL:  // swscale does not support constant luminance; the weights are the same.
      return sws_getCoefficients(SWS_CS_BT2020);
    default:
      return nullptr;
  }
}

}  // namespace streamdiffusion::ffmpeg
