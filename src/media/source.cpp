#include "media/file_names.h"
#include "media/picture_reader.h"
#include "media/picture_source.h"
#include "media/video_source.h"
#include "streamdiffusion/error.h"
#include "streamdiffusion/media.h"

namespace streamdiffusion {

std::unique_ptr<Source> open_source(const SourceOptions& options) {
  constexpr double kPictureRate = 25;
  const double picture_rate = options.frame_rate > 0 ? options.frame_rate : kPictureRate;
  if (options.input == "-" || !options.format.empty()) return std::make_unique<VideoSource>(options);
  const std::filesystem::path path = options.input;
  if (std::filesystem::is_directory(path)) {
    std::vector<std::filesystem::path> files = pictures_in(path);
    if (files.empty())
      throw Error("the folder " + options.input + " holds no pictures (PNG, JPEG, WebP, ...)");
    return std::make_unique<PictureSource>(std::move(files), picture_rate);
  }
  if (std::filesystem::is_regular_file(path) && is_picture(path)) {
    return std::make_unique<PictureSource>(std::vector{path}, picture_rate);
  }
  return std::make_unique<VideoSource>(options);
}

}  // namespace streamdiffusion
