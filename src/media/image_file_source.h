#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "streamdiffusion/media.h"

namespace streamdiffusion {

/// Reads image files as successive frames.
class ImageFileSource : public Source {
 public:
  /// Reads the first of `files`, which must not be empty, to get its size. `frame_rate` gives the frames'
  /// times.
  ImageFileSource(std::vector<std::filesystem::path> files, double frame_rate,
                  std::function<void(const std::string&)> on_warning = nullptr);
  [[nodiscard]] const SourceInfo& info() const override { return info_; }
  bool read(Frame& frame) override;

 private:
  std::vector<std::filesystem::path> files_;
  std::function<void(const std::string&)> on_warning_;
  SourceInfo info_;
  Frame first_;
  std::size_t next_ = 0;
};

}  // namespace streamdiffusion
