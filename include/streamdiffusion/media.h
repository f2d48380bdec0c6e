#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "streamdiffusion/frame.h"

namespace streamdiffusion {

/// How a picture of another aspect is brought into a size.
enum class Fit {
  crop,     ///< scaled to cover, the overhang cut off evenly
  pad,      ///< scaled to fit, the rest black
  stretch,  ///< scaled to the size, aspect not kept
};
Fit parse_fit(const std::string& name);

/// Scales `in` to `out`'s width and height (set before the call) with antialiasing. Thread-safe.
void fit_frame(const Frame& in, Fit fit, Frame& out);

/// A picture file (PNG, JPEG, WebP and what else FFmpeg decodes), orientation applied, alpha on black. Throws
/// Error when it is cut short or is no picture.
Frame read_image(const std::filesystem::path& file);

/// Writes PNG, JPEG or WebP by the extension, through a temporary file, so that no partial file stays. `text` becomes
/// PNG text chunks (UTF-8).
void write_image(const std::filesystem::path& file, const Frame& frame,
                 const std::map<std::string, std::string>& text = {});

/// What a source knows of itself.
struct SourceInfo {
  int width = 0;
  int height = 0;              ///< after rotation, with square pixels
  double frame_rate = 0;       ///< frames a second; 25 for pictures
  std::int64_t frames = 0;     ///< how many there will be, 0 where that is not known
  bool has_audio = false;
};

/// Frames in order of presentation. To be read from one thread.
class Source {
 public:
  virtual ~Source() = default;
  [[nodiscard]] virtual const SourceInfo& info() const = 0;
  /// The next frame; false at the end. Throws Error where the input is cut short or damaged.
  virtual bool read(Frame& frame) = 0;
};

struct SourceOptions {
  /// A video or picture file, a folder of pictures (in natural order of their names), or "-" for standard input.
  std::string input;
  /// For raw pipes: FFmpeg's input format ("rawvideo", "yuv4mpegpipe", ...); empty: found out.
  std::string format;
  int width = 0;   ///< of rawvideo
  int height = 0;
  double frame_rate = 0;
};
std::unique_ptr<Source> open_source(const SourceOptions& options);

/// Takes frames in order. To be written from one thread.
class Sink {
 public:
  virtual ~Sink() = default;
  virtual void write(const Frame& frame) = 0;
  /// Completes the file: what was written before is playable. Without it nothing is left that looks whole.
  virtual void finish() = 0;
};

struct SinkOptions {
  /// A video file, a folder or pattern of pictures ("out/", "out/%05d.png"), or "-" for standard output.
  std::string output;
  int width = 0;
  int height = 0;
  double frame_rate = 25;
  /// Audio of this input is copied (or transcoded where the container does not take it), in step with the frames.
  std::optional<std::string> audio_from;
  std::string format;   ///< FFmpeg's format for pipes; empty: by the extension ("-": matroska)
  std::string codec;    ///< FFmpeg's encoder; empty: the container's usual one
  int quality = -1;     ///< 0 (worst) .. 100; -1: a good default
  std::map<std::string, std::string> metadata;  ///< into the container or the pictures
};
std::unique_ptr<Sink> open_sink(const SinkOptions& options);

}  // namespace streamdiffusion
