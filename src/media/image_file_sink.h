#pragma once

#include <optional>

#include "media/file_names.h"
#include "streamdiffusion/media.h"

namespace streamdiffusion {

/// Writes frames as image files numbered from 0, or one frame as one file.
class ImageFileSink : public Sink {
 public:
  /// True if the output is a folder, a pattern or has the extension of an image.
  static bool accepts(const SinkOptions& options);

  explicit ImageFileSink(const SinkOptions& options);
  void write(const Frame& frame) override;
  void finish() override;

 private:
  std::filesystem::path output_;
  std::optional<NumberPattern> pattern_;  ///< None: one image file.
  std::map<std::string, std::string> metadata_;
  int quality_;
  long written_ = 0;  ///< Frames so far.
};

}  // namespace streamdiffusion
