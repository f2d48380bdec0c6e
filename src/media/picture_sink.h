#pragma once

#include <optional>

#include "media/file_names.h"
#include "streamdiffusion/media.h"

namespace streamdiffusion {

/// Frames as numbered pictures, from 0, or as one picture.
class PictureSink : public Sink {
 public:
  /// Whether the output asks for pictures: a folder, a pattern or a picture's extension.
  static bool takes(const SinkOptions& options);

  explicit PictureSink(const SinkOptions& options);
  void write(const Frame& frame) override;
  void finish() override;

 private:
  std::filesystem::path output_;
  std::optional<NumberPattern> pattern_;  ///< none: one picture
  std::map<std::string, std::string> metadata_;
  int quality_;
  long written_ = 0;
};

}  // namespace streamdiffusion
