#include "media/picture_writer.h"

#include "media/file_names.h"
#include "media/picture_encoders.h"
#include "media/temporary_file.h"
#include "streamdiffusion/error.h"
#include "streamdiffusion/media.h"

namespace streamdiffusion {
namespace {

constexpr int kDefaultJpegQuality = 95;
constexpr int kDefaultWebpQuality = 90;

std::vector<std::uint8_t> encode(const std::filesystem::path& file, const Frame& frame,
                                 const std::map<std::string, std::string>& text, int quality) {
  const std::string extension = lower_extension(file);
  if (extension == ".png") return encode_png(frame, text);
  if (extension == ".jpg" || extension == ".jpeg") {
    return encode_jpeg(frame, quality < 0 ? kDefaultJpegQuality : quality);
  }
  if (extension == ".webp") return encode_webp(frame, quality < 0 ? kDefaultWebpQuality : quality);
  throw Error("cannot write " + file.string() + ": give it the extension .png, .jpg or .webp");
}

}  // namespace

bool can_write_picture(const std::filesystem::path& file) {
  const std::string extension = lower_extension(file);
  return extension == ".png" || extension == ".jpg" || extension == ".jpeg" || extension == ".webp";
}

void write_image(const std::filesystem::path& file, const Frame& frame,
                 const std::map<std::string, std::string>& text, int quality) {
  if (frame.empty()) throw Error("cannot write " + file.string() + ": the picture is empty");
  if (quality > 100) throw Error("cannot write " + file.string() + ": quality goes from 0 to 100");
  write_file(file, encode(file, frame, text, quality));
}

}  // namespace streamdiffusion
