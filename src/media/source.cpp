#include "media/file_names.h"
#include "media/image_file_source.h"
#include "media/image_reader.h"
#include "media/live_source.h"
#include "media/medium.h"
#include "media/reopening_source.h"
#include "media/video_source.h"
#include "streamdiffusion/error.h"
#include "streamdiffusion/media.h"

namespace streamdiffusion {

namespace {

std::unique_ptr<Source> open_live_source(const SourceOptions& options) {
  return std::make_unique<ReopeningSource>(
      ReopeningSource::Options{.open = [options] { return std::make_unique<LiveSource>(options); },
                               .name = options.input,
                               .stop = options.stop,
                               .on_warning = options.on_warning});
}

/// The warning callback for image files, which throws Error if `strict` is set.
std::function<void(const std::string&)> warning_of(const SourceOptions& options) {
  if (!options.strict) return options.on_warning;
  return [](const std::string& problem) { throw MediaError(problem); };
}

std::unique_ptr<Source> open_images(const SourceOptions& options, std::vector<std::filesystem::path> files) {
  constexpr double kImageRate = 25;
  const auto on_warning = warning_of(options);
  if (options.width > 0 && on_warning) {
    on_warning("the size given for " + options.input + " has no effect: images have their own");
  }
  const double rate = options.frame_rate > 0 ? options.frame_rate : kImageRate;
  return std::make_unique<ImageFileSource>(std::move(files), rate, on_warning);
}

}  // namespace

bool is_live(const SourceOptions& options) {
  const Medium medium = input_medium(options.input, options.format);
  return medium == Medium::device || medium == Medium::address;
}

std::unique_ptr<Source> open_source(const SourceOptions& options) {
  if (is_live(options)) return open_live_source(options);
  if (options.input == "-" || !options.format.empty()) return std::make_unique<VideoSource>(options);
  const std::filesystem::path path = options.input;
  if (std::filesystem::is_directory(path)) {
    std::vector<std::filesystem::path> files = images_in(path);
    if (files.empty())
      throw MediaError("the folder " + options.input + " holds no images (PNG, JPEG, WebP, ...)");
    return open_images(options, std::move(files));
  }
  if (std::filesystem::is_regular_file(path) && is_image(path)) {
    return open_images(options, {path});
  }
  return std::make_unique<VideoSource>(options);
}

}  // namespace streamdiffusion
