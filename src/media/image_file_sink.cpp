#include "media/image_file_sink.h"

#include "media/image_writer.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion {
namespace {

namespace fs = std::filesystem;

bool is_folder(const fs::path& output) { return !output.has_filename() || fs::is_directory(output); }

bool has_pattern(const fs::path& output) { return output.filename().string().find('%') != std::string::npos; }

}  // namespace

bool ImageFileSink::accepts(const SinkOptions& options) {
  if (options.output == "-" || !options.format.empty()) return false;
  const fs::path output = options.output;
  return is_folder(output) || can_write_image(output);
}

ImageFileSink::ImageFileSink(const SinkOptions& options)
    : output_(options.output), metadata_(options.metadata), quality_(options.quality) {
  if (is_folder(output_)) {
    output_ /= "%05d.png";
    pattern_.emplace(output_.string());
  } else if (has_pattern(output_)) {
    pattern_.emplace(output_.string());
  }
  std::error_code failure;
  if (output_.has_parent_path()) fs::create_directories(output_.parent_path(), failure);
  if (failure)
    throw MediaError("cannot make the folder " + output_.parent_path().string() + ": " + failure.message());
}

void ImageFileSink::write(const Frame& frame) {
  if (!pattern_ && written_ > 0) {
    throw MediaError("there are more frames than the one image " + output_.string() +
                     "; write to a folder, to a pattern such as %05d.png or to a video");
  }
  write_image(pattern_ ? pattern_->name(written_) : output_, frame, metadata_, quality_);
  ++written_;
}

void ImageFileSink::finish() {
  if (written_ == 0) throw MediaError("no frame came for " + output_.string());
}

}  // namespace streamdiffusion
