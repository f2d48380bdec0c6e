#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "streamdiffusion/export.h"
#include "streamdiffusion/frame.h"

namespace streamdiffusion {

/// How an image is fitted into a size with another aspect ratio.
enum class Fit {
  crop,     ///< Scales the image until it covers the size, and cuts the rest off evenly.
  pad,      ///< Scales the image until it fits inside the size, and fills the rest with black.
  stretch,  ///< Scales width and height separately; the aspect ratio changes.
};
/// The names of the ways to fit an image, in the order of Fit.
inline constexpr std::array<std::string_view, 3> kFitNames = {"crop", "pad", "stretch"};
/// Parses one of kFitNames; throws Error for another name.
STREAMDIFFUSION_API Fit parse_fit(const std::string& name);

/// Scales `in` to the width and height that `out` has before the call. Number and time are copied.
///
/// The filter is Lanczos with three lobes, widened for downscaling so that every input pixel counts (as PIL's
/// resize does). Throws Error if `in` is empty or a side of `out` is not positive. Thread-safe. A thread that
/// fits frames of unchanging sizes allocates nothing after the first.
STREAMDIFFUSION_API void fit_frame(const Frame& in, Fit fit, Frame& out);

/// Reads an image file: PNG, JPEG, WebP and other formats that FFmpeg decodes. Takes the first image of a
/// file with several.
///
/// Applies the stored orientation, converts to sRGB from the embedded colour profile or the tagged primaries,
/// and puts transparent pixels on black. Throws Error if the file is missing, damaged, cut short, larger than
/// 2^27 pixels (134 megapixels) or not an image. `on_warning` is called with flaws that leave all pixels
/// readable, such as a JPEG without its end marker or a damaged colour profile.
STREAMDIFFUSION_API Frame read_image(const std::filesystem::path& file,
                                     const std::function<void(const std::string&)>& on_warning = nullptr);

/// Decodes the bytes of a PNG, JPEG or WebP file, which may come from an untrusted source. An image with more
/// than `most_pixels` pixels is refused before its memory is allocated. Throws Error as read_image does.
/// Thread-safe.
STREAMDIFFUSION_API Frame decode_image(std::span<const std::uint8_t> bytes, std::int64_t most_pixels);

/// Decodes the transparency of the bytes of a PNG, JPEG or WebP file, as decode_image does its colours. Each
/// pixel's three values are its alpha: 0 is transparent, 255 opaque, as all pixels of a file without
/// transparency are. Thread-safe.
STREAMDIFFUSION_API Frame decode_opacity(std::span<const std::uint8_t> bytes, std::int64_t most_pixels);

/// Returns the bytes of an image file; `format` is "png", "jpeg" or "webp". `text` and `quality` are as for
/// write_image. Throws Error for another format, an empty frame or a quality above 100. Thread-safe.
STREAMDIFFUSION_API std::vector<std::uint8_t> encode_image(
    const Frame& frame, const std::string& format, const std::map<std::string, std::string>& text = {},
    int quality = -1);

/// Writes a PNG, JPEG or WebP file, chosen by the extension. It writes a temporary file first, so no partial
/// file remains after a failure.
///
/// `text` (UTF-8 values with keywords of 1 to 79 characters) becomes text chunks of a PNG; the other formats
/// ignore it. `quality` applies to JPEG and WebP: 0 (worst) to 100, or -1 for the default. Throws Error for
/// another extension or if the file cannot be written.
STREAMDIFFUSION_API void write_image(const std::filesystem::path& file, const Frame& frame,
                                     const std::map<std::string, std::string>& text = {}, int quality = -1);

/// The properties of a source.
struct SourceInfo {
  int width = 0;                     ///< Width in square pixels, after rotation.
  int height = 0;                    ///< Height in square pixels, after rotation.
  double frame_rate = 0;             ///< Frames per second where frames follow closely; 25 for images.
  bool variable_frame_rate = false;  ///< True if frames may be unevenly spaced; then only Frame::time counts.
  std::int64_t frames = 0;           ///< Estimated number of frames; 0 if unknown.
  bool has_audio = false;            ///< True if the source is a file with audio.
  /// Number of times that an animated image (GIF, APNG, WebP) is to be played, 0 for endlessly. No value for
  /// other sources.
  std::optional<int> plays = {};
};

/// Delivers frames in the order of presentation. All calls must come from one thread at a time.
class STREAMDIFFUSION_API Source {
 public:
  virtual ~Source() = default;
  /// Returns the properties of the source.
  [[nodiscard]] virtual const SourceInfo& info() const = 0;
  /// Reads the next frame into `frame`, and may reuse its memory. Returns false at the end. Throws Error if
  /// the input cannot be read further.
  virtual bool read(Frame& frame) = 0;
  /// Returns the duration of the last frame that was read, or 0 if the source does not state it. It matters
  /// only for the final frame, as every other one lasts until the next.
  [[nodiscard]] virtual std::chrono::microseconds last_duration() const {
    return std::chrono::microseconds{0};
  }
};

/// An input, and how it is read.
struct SourceOptions {
  /// A file: a video, an image, a folder of images (read in natural order of their names), or "-" for
  /// standard input. Or a live input: a camera ("/dev/video0"), the screen ("screen"), a part of it
  /// ("screen:640x480+100+50"), an X display (":0.0"), or an address of an FFmpeg protocol ("rtsp://...",
  /// "rtmp://...", "srt://...", "udp://...").
  std::string input = {};
  /// Name of FFmpeg's input format or device ("rawvideo", "yuv4mpegpipe", "v4l2", ...). Empty: detected.
  std::string format = {};
  /// Size of rawvideo, or the size requested of a camera; 0: the camera's default. Other formats have a size
  /// of their own, which causes a warning.
  int width = 0;
  int height = 0;                      ///< Height, with the meaning of the width.
  std::string pixel_format = "rgb24";  ///< Pixel format of rawvideo, by FFmpeg's name.
  /// Frames per second of rawvideo, of other raw streams (H.264, HEVC, Motion JPEG) that do not know theirs
  /// and of a folder of images (0: 25), or the rate requested of a camera or screen (0: its default). Other
  /// formats have times of their own, which causes a warning.
  double frame_rate = 0;
  /// Options of FFmpeg's format, device or protocol.
  std::map<std::string, std::string> ffmpeg_options = {};
  /// Set if a live pipeline reads the source. A pipe's frame that arrives after its own timestamp then gets
  /// its arrival time as Frame::time.
  bool live = false;
  /// A live source that delivers nothing for this long counts as lost.
  std::chrono::milliseconds patience{5000};
  /// `read` returns false soon after this becomes true, even while it waits for a camera, network or pipe.
  const std::atomic<bool>* stop = nullptr;
  /// Throws Error for a video that is damaged, cut short, shorter than its container states, or has unusual
  /// colour tags. Otherwise such a video causes a warning, and all decodable frames are delivered at their
  /// own times.
  bool strict = false;
  /// Called on the thread that opens or reads: when a live source is lost or back, and for problems that
  /// `strict` would throw.
  std::function<void(const std::string&)> on_warning = nullptr;
};
/// True if the input is a camera, a screen or a network address.
STREAMDIFFUSION_API bool is_live(const SourceOptions& options);
/// Opens a source. Throws Error if the input cannot be read or is neither video nor image.
///
/// A live source has no end. If it is lost, `read` reopens it, with growing waits between the attempts, until
/// it is back or `stop` becomes true. Its Frame::time is the time of arrival.
STREAMDIFFUSION_API std::unique_ptr<Source> open_source(const SourceOptions& options);

/// Takes frames in order. All calls must come from one thread at a time.
///
/// A frame that follows the one before sooner than the format can express is dropped (in a GIF, less than 20
/// ms). A frame with the time of the one before is shown up to one frame interval later, or dropped with a
/// warning.
class STREAMDIFFUSION_API Sink {
 public:
  virtual ~Sink() = default;
  /// Throws Error if the frame cannot be written, for example because its size is not SinkOptions'.
  virtual void write(const Frame& frame) = 0;
  /// Announces, before `finish`, that the last written frame is the source's last and lasts `last_duration`.
  /// A duration of 0 means unknown; the frame then lasts as long as the one before. Audio of the source that
  /// continues beyond it is kept. Without this call, for example after an early stop, the audio ends with the
  /// last frame.
  virtual void note_source_end(std::chrono::microseconds /*last_duration*/) {}
  /// Completes the file so that it can be played. Without this call, or after an Error, no video file is
  /// created and an existing one stays as it was.
  virtual void finish() = 0;
};

/// An output, and how it is written.
struct SinkOptions {
  /// A file: a video, a single image, a folder or pattern of images ("out/", "out/%05d.png"; folders are
  /// created), or "-" for standard output. Or a live output: "window", a virtual camera ("/dev/video10" of
  /// v4l2loopback), or an address of an FFmpeg protocol ("rtmp://...", "srt://...", "udp://...").
  std::string output = {};
  int width = 0;           ///< Width of the frames in pixels.
  int height = 0;          ///< Height of the frames in pixels.
  double frame_rate = 25;  ///< Above 0, at most 1000. MPEG-1 and MPEG-2 use the best match in their list.
  /// Shows frames at their Frame::time, counted from the first one's, instead of evenly spaced. Frames within
  /// 1 ms of `frame_rate` stay exactly even. Formats with a single frame rate repeat or drop frames instead.
  /// Set it for frames of a Source, because any source may have a gap.
  bool variable_frame_rate = false;
  /// Video file whose audio is copied, or transcoded if the container does not take it. The audio stays in
  /// step with the frames by their Frame::time; Sink::note_source_end states where it ends. No effect if the
  /// file has no audio or the output cannot hold any. "-" (standard input) causes a warning and no audio.
  std::optional<std::string> audio_from = {};
  /// Throws Error for audio that is damaged or cannot be written, and for frames with equal times. Otherwise
  /// these cause a warning, and the video is written with the audio that remains.
  bool strict = false;
  /// Called on the thread that opens or writes, for problems that `strict` would throw.
  std::function<void(const std::string&)> on_warning = nullptr;
  std::string format = {};  ///< FFmpeg's output format. Empty: by the extension, or matroska for "-".
  std::string codec = {};   ///< FFmpeg's encoder. Empty: the container's default.
  int quality = -1;         ///< 0 (worst) to 100; -1 for the default.
  std::map<std::string, std::string> metadata = {};  ///< Written into the container or the images.
  /// Number of times that an animated image (GIF, APNG, WebP) is played, 0 for endlessly; other outputs
  /// ignore it. No value: FFmpeg's default.
  std::optional<int> plays = {};
  /// Options of FFmpeg's encoder, format, device or protocol.
  std::map<std::string, std::string> ffmpeg_options = {};
  /// Makes the encoder hold back no frame, for video that is watched while it is made. Live outputs other
  /// than windows always do.
  bool low_latency = false;
  /// Called on the window's own thread when the user closes the window. Later frames are accepted but not
  /// shown.
  std::function<void()> on_close = nullptr;
};
/// True if the output is a window, a virtual camera or a network address. These carry no audio or metadata.
STREAMDIFFUSION_API bool is_live(const SinkOptions& options);
/// Opens a sink. Throws Error if the output cannot be written or an encoder is missing, before any frame.
STREAMDIFFUSION_API std::unique_ptr<Sink> open_sink(const SinkOptions& options);

}  // namespace streamdiffusion
