#include "media/image_file_source.h"

#include <cmath>

namespace streamdiffusion {

ImageFileSource::ImageFileSource(std::vector<std::filesystem::path> files, double frame_rate,
                                 std::function<void(const std::string&)> on_warning)
    : files_(std::move(files)),
      on_warning_(std::move(on_warning)),
      first_(read_image(files_.front(), on_warning_)) {
  info_.width = first_.width;
  info_.height = first_.height;
  info_.frame_rate = frame_rate;
  info_.frames = static_cast<std::int64_t>(files_.size());
}

bool ImageFileSource::read(Frame& frame) {
  if (next_ == files_.size()) return false;
  frame = next_ == 0 ? std::move(first_) : read_image(files_[next_], on_warning_);
  frame.number = static_cast<std::int64_t>(next_);
  frame.time = std::chrono::microseconds(std::llround(1e6 * static_cast<double>(next_) / info_.frame_rate));
  ++next_;
  return true;
}

}  // namespace streamdiffusion
