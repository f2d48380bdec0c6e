#pragma once

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
#include <vector>

#include "streamdiffusion/frame.h"

namespace streamdiffusion {

/// How a picture of another aspect is brought into a size.
enum class Fit {
  crop,     ///< scaled to cover, the overhang cut off evenly
  pad,      ///< scaled to fit, the rest black
  stretch,  ///< scaled to the size, aspect not kept
};
Fit parse_fit(const std::string& name);

/// Scales `in` to `out`'s width and height (set before the call) with antialiasing (Lanczos over the area
/// that each pixel covers); number and time are copied. Thread-safe; a thread that fits frames of unchanging
/// sizes allocates nothing after the first.
void fit_frame(const Frame& in, Fit fit, Frame& out);

/// A picture file (PNG, JPEG, WebP and what else FFmpeg decodes; of several pictures the first), orientation
/// applied, alpha on black. Throws Error when it is damaged, cut short, larger than 134 megapixels or no
/// picture. A flaw that leaves the picture whole, as a JPEG without its end marker, is told to `on_warning`.
Frame read_image(const std::filesystem::path& file,
                 const std::function<void(const std::string&)>& on_warning = nullptr);

/// A picture from a PNG, JPEG or WebP file's bytes, which nobody need trust: what is larger than
/// `most_pixels` is refused before there is memory for it. Throws Error as read_image does. Thread-safe.
Frame decode_image(std::span<const std::uint8_t> bytes, std::int64_t most_pixels);

/// A PNG, JPEG or WebP file's bytes; `format` is "png", "jpeg" or "webp". Text and quality as for
/// write_image. Thread-safe.
std::vector<std::uint8_t> encode_image(const Frame& frame, const std::string& format,
                                       const std::map<std::string, std::string>& text = {}, int quality = -1);

/// Writes PNG, JPEG or WebP by the extension, through a temporary file, so that no partial file stays. `text`
/// (UTF-8; keywords of 1 to 79 characters) becomes text chunks of a PNG; the others have no place for it.
/// `quality` is of JPEG and WebP: 0 (worst) .. 100, -1 a good default.
void write_image(const std::filesystem::path& file, const Frame& frame,
                 const std::map<std::string, std::string>& text = {}, int quality = -1);

/// What a source knows of itself.
struct SourceInfo {
  int width = 0;
  int height = 0;         ///< after rotation, with square pixels
  double frame_rate = 0;  ///< frames a second, where they come closely; 25 for pictures
  bool variable_frame_rate =
      false;                ///< as far as was looked, frames are not evenly spaced: Frame::time tells
  std::int64_t frames = 0;  ///< about how many there will be, 0 where that is not known
  bool has_audio = false;
  /// The number of times that an animated picture (GIF, APNG, WebP) wants to be played, 0: for ever. Nothing
  /// for others.
  std::optional<int> plays = {};
};

/// Frames in order of presentation. To be read from one thread.
class Source {
 public:
  virtual ~Source() = default;
  [[nodiscard]] virtual const SourceInfo& info() const = 0;
  /// The next frame; false at the end. Throws Error where the input cannot be read on.
  virtual bool read(Frame& frame) = 0;
  /// Returns the duration of the frame that `read` gave last, where the source tells it; else 0. It matters
  /// for the last frame: any other is shown until the next one.
  [[nodiscard]] virtual std::chrono::microseconds last_duration() const {
    return std::chrono::microseconds{0};
  }
};

struct SourceOptions {
  /// A video or picture file, a folder of pictures (in natural order of their names), "-" for standard input,
  /// or what is live: a camera ("/dev/video0"), the screen ("screen", a part of it "screen:640x480+100+50",
  /// or an X display ":0.0"), or an address of FFmpeg's protocols ("rtsp://...", "rtmp://...", "srt://...",
  /// "udp://...").
  std::string input = {};
  /// FFmpeg's input format or device ("rawvideo", "yuv4mpegpipe", "v4l2", ...); empty: found out.
  std::string format = {};
  int width = 0;  ///< of rawvideo; asked of a camera, 0: its usual one
  int height = 0;
  std::string pixel_format = "rgb24";  ///< of rawvideo, FFmpeg's name
  double frame_rate = 0;  ///< of rawvideo and folders of pictures, 0: 25; asked of a camera or screen
  std::map<std::string, std::string> ffmpeg_options = {};  ///< of FFmpeg's format, device or protocol
  /// The pipeline that reads is live: a frame of a pipe that comes later than its time has the time at which
  /// it came.
  bool live = false;
  /// A live source that gives nothing for this long counts as lost.
  std::chrono::milliseconds patience{5000};
  /// `read` gives false soon after this has become true, also where it waits for a camera, the network or a
  /// pipe.
  const std::atomic<bool>* stop = nullptr;
  /// A video that is damaged, cut short, shorter than its container says or has unusual colour tags is an
  /// Error. Otherwise all frames that can be decoded are given, each at its own time, after a warning.
  bool strict = false;
  /// Called, on the thread that reads or opens, when a live source is lost and when it is back, and where
  /// `strict` would throw an Error.
  std::function<void(const std::string&)> on_warning = nullptr;
};
/// Whether it is a camera, a screen or an address.
bool is_live(const SourceOptions& options);
/// Throws Error when there is nothing to read or it is neither video nor picture.
///
/// A live source has no end: when it is lost, `read` opens it again, with a growing wait, until it is back or
/// `stop` becomes true. Frame::time is when a frame came.
std::unique_ptr<Source> open_source(const SourceOptions& options);

/// Takes frames in order. To be written from one thread. Frames that would follow the one before sooner than
/// the format can say, in GIF and other animated pictures by less than 20 ms, are left out. A frame that
/// comes at the time of the one before is shown up to a frame interval later, or left out with a warning.
class Sink {
 public:
  virtual ~Sink() = default;
  virtual void write(const Frame& frame) = 0;
  /// Says, before `finish`, that the frame written last is the source's last one and is shown for
  /// `last_duration` (0: not known, then as long as the one before). Sound of the source that goes on behind
  /// it is kept. Without this call, as where somebody stopped early, the sound ends with the last frame.
  virtual void note_source_end(std::chrono::microseconds /*last_duration*/) {}
  /// Completes the file: what was written before is playable. Without it (or after an Error) no video file is
  /// left, and one that was there before stays as it was.
  virtual void finish() = 0;
};

struct SinkOptions {
  /// A video file, a folder or pattern of pictures ("out/", "out/%05d.png"; made where it is missing), a
  /// single picture, "-" for standard output, or what is live: "window", a virtual camera ("/dev/video10" of
  /// v4l2loopback), or an address of FFmpeg's protocols ("rtmp://...", "srt://...", "udp://...").
  std::string output = {};
  int width = 0;
  int height = 0;
  double frame_rate = 25;  ///< above 0, at most 1000; MPEG-1 and -2 take the best of their list
  /// Frames are shown at their Frame::time (counted from the first one's) instead of evenly spaced. Those
  /// that follow each other at `frame_rate` within 1 ms stay exactly even. Where a container or codec has one
  /// frame rate only, frames are repeated or left out. Set it for frames of a Source: any may hold a gap.
  bool variable_frame_rate = false;
  /// Audio of this video file is copied (or transcoded where the container does not take it), in step with
  /// the frames by their Frame::time; see Sink::note_source_end for where it ends. Nothing happens where it
  /// has none or the output can hold none. The sound of a pipe ("-" for standard input) is left out after a
  /// warning. Without a value the output has no sound.
  std::optional<std::string> audio_from = {};
  /// Sound that is damaged or that cannot be written, or frames that come at one time, are an Error.
  /// Otherwise the video is written with the sound that there is, or without any, after a warning.
  bool strict = false;
  /// Called where `strict` would throw an Error: on the thread that opens or writes.
  std::function<void(const std::string&)> on_warning = nullptr;
  std::string format = {};  ///< FFmpeg's format for pipes; empty: by the extension ("-": matroska)
  std::string codec = {};   ///< FFmpeg's encoder; empty: the container's usual one
  int quality = -1;         ///< 0 (worst) .. 100; -1: a good default
  std::map<std::string, std::string> metadata = {};  ///< into the container or the pictures
  /// The number of times that an animated picture (GIF, APNG, WebP) is played, 0: for ever; of no effect on
  /// others. Without a value FFmpeg's choice.
  std::optional<int> plays = {};
  std::map<std::string, std::string> ffmpeg_options =
      {};  ///< of FFmpeg's encoder, format, device or protocol
  /// The encoder keeps no frame back, for pictures that are seen while they are made. Addresses have it
  /// always.
  bool low_latency = false;
  /// Called, on a thread of the window's, when somebody closes the window; frames are taken and not shown
  /// from then on.
  std::function<void()> on_close = nullptr;
};
/// Whether it is a window, a virtual camera or an address. Those carry no sound and no metadata.
bool is_live(const SinkOptions& options);
/// Throws Error before any frame is made where the output cannot be written or an encoder is missing.
std::unique_ptr<Sink> open_sink(const SinkOptions& options);

}  // namespace streamdiffusion
