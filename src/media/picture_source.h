#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "streamdiffusion/media.h"

namespace streamdiffusion {

/// Pictures as frames, one after the other.
class PictureSource : public Source {
 public:
  /// `files`: at least one. Reads the first already, for its size.
  PictureSource(std::vector<std::filesystem::path> files, double frame_rate,
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
