#pragma once

#include <string>
#include <vector>

#include "media/ffmpeg.h"
#include "support.h"

namespace streamdiffusion::tests {

/// True with FFmpeg 5, which knows fewer codecs than FFmpeg 6 and reads damaged files in another way.
inline constexpr bool kIsFfmpeg5 = LIBAVFORMAT_VERSION_MAJOR < 60;

inline SourceInfo info_of(const std::string& input) {
  SourceOptions options;
  options.input = input;
  return open_source(options)->info();
}

/// All frames and warnings of a source.
struct Read {
  std::vector<Frame> frames;
  std::vector<std::string> warnings;
};

inline Read read_with_warnings(const std::string& file) {
  Read read;
  SourceOptions options;
  options.input = file;
  options.on_warning = [&](const std::string& text) { read.warnings.push_back(text); };
  read.frames = read_all(options);
  return read;
}

/// The error of a source that is read strictly.
inline std::string strict_error(const std::string& file) {
  SourceOptions options;
  options.input = file;
  options.strict = true;
  return error_of([&] { read_all(options); });
}

}  // namespace streamdiffusion::tests
