#include "media/image_reader.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <fstream>
#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "media/avif_structure.h"
#include "media/colour_profile.h"
#include "media/ffmpeg.h"
#include "media/file_names.h"
#include "media/frame_converter.h"
#include "media/image_count.h"
#include "media/image_structure.h"
#include "media/lighter_png.h"
#include "media/png_colours.h"
#include "streamdiffusion/error.h"
#include "streamdiffusion/media.h"

namespace streamdiffusion {
namespace {

// Eight bytes for each of kMaxPixels.
constexpr std::uintmax_t kMaxFileSize = std::uintmax_t{1} << 30;

std::vector<std::uint8_t> read_bytes(const std::filesystem::path& file, std::uintmax_t most) {
  std::ifstream stream(file, std::ios::binary);
  if (!stream) return {};
  std::vector<std::uint8_t> bytes(std::min(std::filesystem::file_size(file), most));
  stream.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  bytes.resize(static_cast<std::size_t>(stream.gcount()));
  return bytes;
}

using Structure = ImageStructure;
using OnWarning = std::function<void(const std::string&)>;

bool begins_as_jpeg(std::span<const std::uint8_t> bytes) {
  return bytes.size() >= 3 && bytes[0] == 0xFF && bytes[1] == 0xD8 && bytes[2] == 0xFF;
}

const AVInputFormat* jpeg_format() { return av_find_input_format("jpeg_pipe"); }

/// The format judged by the bytes only, so that a wrong extension does no harm. Null if FFmpeg does not know
/// it.
const AVInputFormat* probe(std::span<const std::uint8_t> bytes) {
  std::vector<std::uint8_t> start(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(std::min(
                                                                     bytes.size(), std::size_t{1} << 16)));
  const auto size = static_cast<int>(start.size());
  start.resize(start.size() + AVPROBE_PADDING_SIZE);
  const AVProbeData data{.filename = "", .buf = start.data(), .buf_size = size, .mime_type = nullptr};
  return av_probe_input_format(&data, 1);
}

/// Probes an image. FFmpeg's probe does not recognise a JPEG without an end or with a second image after it.
const AVInputFormat* probe_image(std::span<const std::uint8_t> bytes) {
  return begins_as_jpeg(bytes) ? jpeg_format() : probe(bytes);
}

/// True for formats that hold a single image. FFmpeg calls them "png_pipe", "jpeg_pipe" and so on.
bool is_single_image(const AVInputFormat& format) { return std::string_view(format.name).ends_with("_pipe"); }

/// The codec for the extension of image formats that bytes do not identify; AV_CODEC_ID_NONE for others.
AVCodecID codec_by_name(const std::filesystem::path& file) {
  constexpr std::array<std::pair<std::string_view, AVCodecID>, 7> kNames = {{{".tga", AV_CODEC_ID_TARGA},
                                                                             {".icb", AV_CODEC_ID_TARGA},
                                                                             {".vda", AV_CODEC_ID_TARGA},
                                                                             {".vst", AV_CODEC_ID_TARGA},
                                                                             {".pam", AV_CODEC_ID_PAM},
                                                                             {".svg", AV_CODEC_ID_SVG},
                                                                             {".svgz", AV_CODEC_ID_SVG}}};
  const std::string extension = lower_extension(file);
  const auto* const found =
      std::ranges::find(kNames, extension, &std::pair<std::string_view, AVCodecID>::first);
  return found != kNames.end() ? found->second : AV_CODEC_ID_NONE;
}

/// True for HEIC, the image format of phones: an MP4 with its own brand. FFmpeg before 7.1 finds no image in
/// it, later versions only one of its tiles.
bool is_heic(std::span<const std::uint8_t> bytes) {
  return bytes.size() >= 12 && std::memcmp(bytes.data() + 4, "ftyphei", 7) == 0;
}

bool is_icon(const AVInputFormat& format) { return std::string_view(format.name) == "ico"; }

bool holds_image(const AVInputFormat& format, std::span<const std::uint8_t> bytes) {
  const std::string_view name = format.name;
  return is_single_image(format) || is_icon(format) || name == "gif" || name == "apng" || is_avif(bytes);
}

/// True for a BigTIFF, whose offsets have 64 bits.
bool is_big_tiff(std::span<const std::uint8_t> bytes) {
  return starts_with(bytes, {"II+\0", 4}) || starts_with(bytes, {"MM\0+", 4});
}

/// Throws Error for formats that FFmpeg does not know, with advice on how to convert them.
void refuse_unknown(std::span<const std::uint8_t> bytes, const std::string& name) {
  if (is_heic(bytes)) {
    throw MediaError("the image " + name +
                     " is a HEIC, which this program cannot read; convert it to a JPEG or PNG");
  }
  if (is_big_tiff(bytes)) {
    throw MediaError("the image " + name +
                     " is a BigTIFF, which FFmpeg cannot read; save it as a plain TIFF or PNG");
  }
}

/// An input of FFmpeg that reads from memory.
class MemoryInput {
 public:
  explicit MemoryInput(std::span<const std::uint8_t> bytes) : bytes_(bytes) {
    constexpr int kBufferSize = 1 << 15;
    auto* buffer = static_cast<unsigned char*>(av_malloc(kBufferSize));
    context_ =
        avio_alloc_context(buffer, kBufferSize, 0, this, &MemoryInput::read, nullptr, &MemoryInput::seek);
    if (context_ == nullptr) {
      av_free(buffer);
      throw std::bad_alloc();
    }
  }
  ~MemoryInput() {
    av_freep(&context_->buffer);
    avio_context_free(&context_);
  }
  MemoryInput(const MemoryInput&) = delete;
  MemoryInput& operator=(const MemoryInput&) = delete;
  [[nodiscard]] AVIOContext* context() const { return context_; }

 private:
  static int read(void* self, std::uint8_t* to, int size) {
    auto& input = *static_cast<MemoryInput*>(self);
    const std::size_t count = std::min(static_cast<std::size_t>(size), input.bytes_.size() - input.position_);
    if (count == 0) return AVERROR_EOF;
    std::memcpy(to, input.bytes_.data() + input.position_, count);
    input.position_ += count;
    return static_cast<int>(count);
  }
  static std::int64_t seek(void* self, std::int64_t offset, int whence) {
    auto& input = *static_cast<MemoryInput*>(self);
    const auto size = static_cast<std::int64_t>(input.bytes_.size());
    if ((whence & AVSEEK_SIZE) != 0) return size;
    if (whence == SEEK_CUR) offset += static_cast<std::int64_t>(input.position_);
    if (whence == SEEK_END) offset += size;
    if (offset < 0 || offset > size) return AVERROR(EINVAL);
    input.position_ = static_cast<std::size_t>(offset);
    return offset;
  }

  std::span<const std::uint8_t> bytes_;
  std::size_t position_ = 0;
  AVIOContext* context_ = nullptr;
};

ffmpeg::Input open_demuxer(const MemoryInput& memory, const AVInputFormat& format, const std::string& name) {
  AVFormatContext* context = avformat_alloc_context();
  if (context == nullptr) throw std::bad_alloc();
  context->pb = memory.context();
  ffmpeg::check(avformat_open_input(&context, "", &format, nullptr), "cannot read the image " + name);
  return ffmpeg::Input(context);
}

ffmpeg::Packet first_packet(AVFormatContext& input, int stream, const std::string& name) {
  ffmpeg::Packet packet = ffmpeg::make_packet();
  do {
    av_packet_unref(packet.get());
    ffmpeg::check(av_read_frame(&input, packet.get()), "cannot read the image " + name);
  } while (packet->stream_index != stream);
  return packet;
}

ffmpeg::Packet whole_packet(std::span<const std::uint8_t> bytes) {
  ffmpeg::Packet packet = ffmpeg::make_packet();
  ffmpeg::check(av_new_packet(packet.get(), static_cast<int>(bytes.size())), "cannot make room for an image");
  std::memcpy(packet->data, bytes.data(), bytes.size());
  return packet;
}

ffmpeg::FramePointer decode_packet(const AVCodecParameters& parameters, const AVPacket& packet,
                                   const std::string& what, std::int64_t most_pixels) {
  const ffmpeg::Codec codec = ffmpeg::open_decoder(parameters, 1, what, nullptr, most_pixels);
  ffmpeg::FramePointer image = ffmpeg::make_frame();
  ffmpeg::check(avcodec_send_packet(codec.get(), &packet), what);
  ffmpeg::check(avcodec_send_packet(codec.get(), nullptr), what);
  const int result = avcodec_receive_frame(codec.get(), image.get());
  if (result == AVERROR_EOF) throw MediaError(what + ": it holds no complete image; it may be cut short");
  ffmpeg::check(result, what);
  if (image->decode_error_flags != 0 || (image->flags & AV_FRAME_FLAG_CORRUPT) != 0) {
    throw MediaError(what + ": it is damaged");
  }
  return image;
}

/// How the bytes of an image file become packets.
struct ImageFormat {
  const AVInputFormat* demuxer = nullptr;  ///< Null: the bytes are one packet of `codec`.
  AVCodecID codec = AV_CODEC_ID_NONE;
};

ffmpeg::FramePointer decode(std::span<const std::uint8_t> bytes, const ImageFormat& format,
                            const std::string& name, std::int64_t most_pixels) {
  const std::string what = "cannot decode the image " + name;
  if (format.demuxer == nullptr) {
    const ffmpeg::Parameters parameters = ffmpeg::make_parameters();
    parameters->codec_type = AVMEDIA_TYPE_VIDEO;
    parameters->codec_id = format.codec;
    return decode_packet(*parameters, *whole_packet(bytes), what, most_pixels);
  }
  const MemoryInput memory(bytes);
  const ffmpeg::Input input = open_demuxer(memory, *format.demuxer, name);
  const int stream = av_find_best_stream(input.get(), AVMEDIA_TYPE_VIDEO, -1, -1, nullptr, 0);
  ffmpeg::check(stream, name + " is not an image");
  const ffmpeg::Packet packet =
      is_single_image(*format.demuxer) ? whole_packet(bytes) : first_packet(*input, stream, name);
  return decode_packet(*input->streams[stream]->codecpar, *packet, what, most_pixels);
}

/// The error that FFmpeg logged about a TIFF that it decoded nevertheless. Empty if it is about an unknown
/// tag.
std::string tiff_complaint() {
  const std::string message = ffmpeg::take_last_message();
  return message.starts_with("Unknown or unsupported tag") ? std::string() : message;
}

bool has_profile(const AVFrame& image) {
  const AVFrameSideData* data = av_frame_get_side_data(&image, AV_FRAME_DATA_ICC_PROFILE);
  return data != nullptr && data->size > 0;
}

/// Warns of properties that are not read, and of flaws that do not prevent reading the image.
void warn_of_flaws(const Structure& structure, const AVFrame& image, const std::string& name,
                   const OnWarning& on_warning) {
  if (!on_warning) return;
  if (structure.separate_alpha && !has_alpha(static_cast<AVPixelFormat>(image.format))) {
    on_warning(
        "the image " + name +
        " has transparency, which FFmpeg does not read from an AVIF: transparent parts are opaque; convert "
        "it to a PNG to have them black");
  }
  // If a PNG names primaries as well, FFmpeg gives these instead of the profile.
  if (!structure.wrapped_profile.empty() && !has_profile(image) &&
      image.color_primaries == AVCOL_PRI_UNSPECIFIED) {
    on_warning("the image " + name +
               " has a colour profile that FFmpeg cannot read: its colours are read as sRGB");
  }
  if (structure.cut_short) on_warning("the image " + name + " has no end marker; it may be cut short");
  const std::string complaint = structure.format == Structure::Format::tiff ? tiff_complaint() : "";
  if (!complaint.empty()) on_warning("the image " + name + " may be damaged: " + complaint);
}

void warn_of_further_images(Bytes bytes, const std::string& name, const OnWarning& on_warning) {
  const std::size_t images = count_images(bytes);
  if (images < 2 || !on_warning) return;
  on_warning("the image " + name + " holds " + std::to_string(images) +
             " images, of which the first alone is read");
}

Orientation orientation_of(const AVFrame& image, const ImageStructure& structure) {
  if (structure.format != Structure::Format::other) return orientation_from_exif(structure.orientation);
  const AVFrameSideData* matrix = av_frame_get_side_data(&image, AV_FRAME_DATA_DISPLAYMATRIX);
  return matrix != nullptr ? orientation_from_matrix(reinterpret_cast<const std::int32_t*>(matrix->data))
                           : Orientation{};
}

ffmpeg::FramePointer decode_known(std::span<const std::uint8_t> bytes, const ImageFormat& format,
                                  const Structure& structure, const std::string& name,
                                  std::int64_t most_pixels) {
  try {
    return decode(bytes, format, name, most_pixels);
  } catch (const Error&) {
    if (structure.cut_short) {
      throw MediaError("the image " + name + " is cut short; copy or download it again");
    }
    if (!structure.animated) throw;
    throw MediaError(
        "the image " + name +
        " is an animated WebP, which this version of FFmpeg cannot decode; convert it to a GIF, a video "
        "or still images");
  }
}

/// Decodes an image. A PNG that FFmpeg refuses is decoded again without its colour profile, since FFmpeg
/// refuses a PNG whose profile cannot be decompressed.
ffmpeg::FramePointer decode_without_damage(std::span<const std::uint8_t> bytes, const ImageFormat& format,
                                           const Structure& structure, const std::string& name,
                                           std::int64_t most_pixels) {
  try {
    return decode_known(bytes, format, structure, name, most_pixels);
  } catch (const Error&) {
    if (structure.format != Structure::Format::png || structure.wrapped_profile.empty()) throw;
    const auto begin = structure.wrapped_profile.data() - bytes.data();
    const auto end = begin + static_cast<std::ptrdiff_t>(structure.wrapped_profile.size());
    std::vector<std::uint8_t> rest(bytes.begin(), bytes.begin() + begin);
    rest.insert(rest.end(), bytes.begin() + end, bytes.end());
    return decode_known(rest, format, structure, name, most_pixels);
  }
}

/// Gives the image the colour profile of its file if FFmpeg has left it out. FFmpeg 5.1 does so for AVIF.
void attach_profile(AVFrame& image, Bytes profile) {
  if (profile.empty() || has_profile(image)) return;
  AVFrameSideData* data = av_frame_new_side_data(&image, AV_FRAME_DATA_ICC_PROFILE, profile.size());
  if (data == nullptr) throw std::bad_alloc();
  std::memcpy(data->data, profile.data(), profile.size());
}

/// Throws Error for TIFFs that FFmpeg refuses without a reason, or silently decodes to black.
void refuse_unreadable_tiff(const Structure& structure, const std::string& name) {
  if (structure.jpeg_in_tiff) {
    throw MediaError(
        "the image " + name +
        " is a TIFF compressed as JPEG, which FFmpeg cannot decode; save it uncompressed, with LZW or "
        "as a JPEG");
  }
  if (structure.other_tiff_colours) {
    throw MediaError("the image " + name +
                     " is a TIFF in CIELAB or LogLuv colours, which FFmpeg cannot read; save it in RGB");
  }
  if (structure.tiled_tiff) {
    throw MediaError("the image " + name +
                     " is a TIFF in tiles, which FFmpeg cannot decode; save it in strips or as a PNG");
  }
}

/// The part of an image that is read.
enum class ImagePart { colours, opacity };

Frame decode_to_frame(std::span<const std::uint8_t> bytes, const ImageFormat& format, ImagePart part,
                      const std::string& name, std::int64_t most_pixels, const OnWarning& on_warning) {
  const std::optional<LighterPng> lighter = without_heavy_chunks(bytes, kMostProfileBytes);
  if (lighter) bytes = lighter->bytes;
  if (lighter && lighter->lacks_profile && on_warning) {
    on_warning(
        "the image " + name +
        " has a colour profile of more than 4 MiB, which is not applied: its colours are read as sRGB");
  }
  const ImageStructure structure = examine_image(bytes);
  // A PNG or a JPEG of one pass may have all pixels without its end marker. Its decoder reports if not.
  const bool decoder_tells = structure.format == Structure::Format::png ||
                             (structure.format == Structure::Format::jpeg && !structure.progressive);
  if (structure.cut_short && !decoder_tells) {
    throw MediaError("the image " + name + " is cut short; copy or download it again");
  }
  refuse_unreadable_tiff(structure, name);
  const ffmpeg::FramePointer image = decode_without_damage(bytes, format, structure, name, most_pixels);
  attach_profile(*image, structure.colour_profile);
  tag_colours_of_png(bytes, *image);
  warn_of_flaws(structure, *image, name, on_warning);
  warn_of_further_images(bytes, name, on_warning);
  FrameConverter converter;
  Frame frame;
  try {
    const Orientation orientation = orientation_of(*image, structure);
    if (part == ImagePart::opacity) {
      converter.convert_opacity(*image, orientation, frame);
    } else {
      // The pixel aspect is ignored: in PNG and JPEG it comes from print resolutions.
      converter.convert(*image, AVCOL_SPC_SMPTE170M, {0, 1}, orientation, frame);
    }
  } catch (const Error& error) {
    throw MediaError("the image " + name + ": " + error.what());
  }
  const std::string& problem = converter.colour_problem();
  if (on_warning && !problem.empty()) on_warning("the image " + name + " " + problem);
  return frame;
}

bool is_named_as_jpeg(const std::filesystem::path& file) {
  constexpr std::array<std::string_view, 5> kNames = {".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"};
  return std::ranges::find(kNames, lower_extension(file)) != kNames.end();
}

/// True for PNG, JPEG and WebP.
bool is_web_image(std::span<const std::uint8_t> bytes) {
  const Structure::Format format = examine_image(bytes).format;
  return format == Structure::Format::png || format == Structure::Format::jpeg ||
         format == Structure::Format::webp;
}

Frame decode_web_image(std::span<const std::uint8_t> bytes, ImagePart part, std::int64_t most_pixels) {
  ffmpeg::silence_log();
  const AVInputFormat* format = bytes.empty() ? nullptr : probe_image(bytes);
  if (format == nullptr || !is_single_image(*format) || !is_web_image(bytes)) {
    throw MediaError("these bytes are not a PNG, JPEG or WebP image");
  }
  return decode_to_frame(bytes, {.demuxer = format}, part, "that was sent", most_pixels, nullptr);
}

}  // namespace

bool is_image(const std::filesystem::path& file) {
  constexpr std::uintmax_t kEnoughToProbe = std::uintmax_t{1} << 16;  // Signatures lie in the first bytes.
  const std::vector<std::uint8_t> bytes = read_bytes(file, kEnoughToProbe);
  const AVInputFormat* format = probe(bytes);
  if (format != nullptr && (is_single_image(*format) || is_icon(*format) || is_avif(bytes))) return true;
  if (is_heic(bytes) || is_big_tiff(bytes)) return true;
  if (format == nullptr && !bytes.empty() && codec_by_name(file) != AV_CODEC_ID_NONE) return true;
  // Several JPEGs in a row are a video, unless the header or the extension says that the file is an image.
  return begins_as_jpeg(bytes) && (examine_image(bytes).lists_several || is_named_as_jpeg(file));
}

Frame read_image(const std::filesystem::path& file, const OnWarning& on_warning) {
  ffmpeg::silence_log();
  const std::string name = file.string();
  if (!std::filesystem::exists(file)) throw MediaError("there is no image " + name);
  if (!std::filesystem::is_regular_file(file)) throw MediaError(name + " is not a file");
  if (std::filesystem::file_size(file) > kMaxFileSize)
    throw MediaError("the image " + name + " is over 1 GiB");
  const std::vector<std::uint8_t> bytes = read_bytes(file, kMaxFileSize);
  if (bytes.empty()) throw MediaError("the image " + name + " is empty or cannot be read");
  refuse_unknown(bytes, name);
  ImageFormat format{.demuxer = probe_image(bytes)};
  if (format.demuxer == nullptr) format.codec = codec_by_name(file);
  const bool known =
      format.demuxer != nullptr ? holds_image(*format.demuxer, bytes) : format.codec != AV_CODEC_ID_NONE;
  if (!known && format.demuxer != nullptr) {
    throw MediaError(name + " is not an image: FFmpeg takes it for a video or for sound (" +
                     format.demuxer->name + ")");
  }
  if (!known) throw MediaError(name + " is not an image that FFmpeg knows (PNG, JPEG, WebP, ...)");
  return decode_to_frame(bytes, format, ImagePart::colours, name, ffmpeg::kMaxPixels, on_warning);
}

Frame decode_image(std::span<const std::uint8_t> bytes, std::int64_t most_pixels) {
  return decode_web_image(bytes, ImagePart::colours, most_pixels);
}

Frame decode_opacity(std::span<const std::uint8_t> bytes, std::int64_t most_pixels) {
  return decode_web_image(bytes, ImagePart::opacity, most_pixels);
}

}  // namespace streamdiffusion
