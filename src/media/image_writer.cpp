#include "media/image_writer.h"

#include "media/file_names.h"
#include "media/image_encoders.h"
#include "media/temporary_file.h"
#include "streamdiffusion/error.h"
#include "streamdiffusion/media.h"

namespace streamdiffusion {
namespace {

constexpr int kDefaultJpegQuality = 95;
constexpr int kDefaultWebpQuality = 90;

/// encode_image's name of the format for a file's extension; empty for other extensions.
std::string format_of(const std::filesystem::path& file) {
  const std::string extension = lower_extension(file);
  if (extension == ".jpg" || extension == ".jpeg") return "jpeg";
  return extension == ".png" || extension == ".webp" ? extension.substr(1) : "";
}

}  // namespace

bool can_write_image(const std::filesystem::path& file) { return !format_of(file).empty(); }

std::vector<std::uint8_t> encode_image(const Frame& frame, const std::string& format,
                                       const std::map<std::string, std::string>& text, int quality) {
  if (frame.empty()) throw ArgumentError("the image is empty");
  if (quality > 100) {
    throw ArgumentError("quality is " + std::to_string(quality) +
                        ", must be from 0 to 100, or -1 for the default");
  }
  if (format == "png") return encode_png(frame, text);
  if (format == "jpeg") return encode_jpeg(frame, quality < 0 ? kDefaultJpegQuality : quality);
  if (format == "webp") return encode_webp(frame, quality < 0 ? kDefaultWebpQuality : quality);
  throw ArgumentError("images are written as png, jpeg or webp, not \"" + format + "\"");
}

void write_image(const std::filesystem::path& file, const Frame& frame,
                 const std::map<std::string, std::string>& text, int quality) {
  if (!can_write_image(file)) {
    throw ArgumentError("cannot write " + file.string() + ": give it the extension .png, .jpg or .webp");
  }
  std::vector<std::uint8_t> bytes;
  try {
    bytes = encode_image(frame, format_of(file), text, quality);
  } catch (const ArgumentError& error) {
    throw ArgumentError("cannot write " + file.string() + ": " + error.what());
  } catch (const Error& error) {
    throw MediaError("cannot write " + file.string() + ": " + error.what());
  }
  write_file(file, bytes);
}

}  // namespace streamdiffusion
