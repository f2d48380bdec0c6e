#include <png.h>

#include <algorithm>
#include <cstring>

#include "media/image_encoders.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion {
namespace {

struct PngTarget {
  std::vector<std::uint8_t> bytes;
  char message[128] = "cannot encode the PNG";
};

[[noreturn]] void fail(png_structp png, png_const_charp message) {
  auto* target = static_cast<PngTarget*>(png_get_error_ptr(png));
  std::strncpy(target->message, message, sizeof(target->message) - 1);
  png_longjmp(png, 1);
}

void ignore_warning(png_structp, png_const_charp) {}

void append(png_structp png, png_bytep data, std::size_t size) {
  auto* target = static_cast<PngTarget*>(png_get_io_ptr(png));
  bool done = false;
  try {
    target->bytes.insert(target->bytes.end(), data, data + size);
    done = true;
  } catch (const std::bad_alloc&) {
    done = false;  // An exception must not pass through libpng.
  }
  if (!done) png_error(png, "out of memory");
}

/// Makes text chunks: tEXt, which every reader supports, for ASCII, and iTXt (UTF-8) for other text.
std::vector<png_text> text_chunks(const std::map<std::string, std::string>& text) {
  std::vector<png_text> chunks;
  for (const auto& [keyword, value] : text) {
    if (keyword.empty() || keyword.size() > 79) {
      throw ArgumentError("a PNG's text needs a keyword of 1 to 79 characters, not \"" + keyword + "\"");
    }
    const bool ascii = std::all_of(value.begin(), value.end(), [](char c) { return (c & 0x80) == 0; });
    png_text chunk{};
    chunk.compression = ascii ? PNG_TEXT_COMPRESSION_NONE : PNG_ITXT_COMPRESSION_NONE;
    chunk.key = const_cast<char*>(keyword.c_str());  // libpng copies it.
    chunk.text = const_cast<char*>(value.c_str());
    chunk.text_length = ascii ? value.size() : 0;
    chunk.itxt_length = ascii ? 0 : value.size();
    chunks.push_back(chunk);
  }
  return chunks;
}

/// Writes the PNG. Returns false on failure. It must hold no object with a destructor because libpng leaves
/// it by longjmp.
bool write_png(const Frame& frame, const std::vector<png_text>& chunks, PngTarget& target) {
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &target, fail, ignore_warning);
  if (png == nullptr) return false;
  png_infop info = png_create_info_struct(png);
  if (info == nullptr || setjmp(png_jmpbuf(png)) != 0) {
    png_destroy_write_struct(&png, &info);
    return false;
  }
  png_set_write_fn(png, &target, append, nullptr);
  png_set_IHDR(png, info, static_cast<png_uint_32>(frame.width), static_cast<png_uint_32>(frame.height), 8,
               PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  png_set_sRGB(png, info, PNG_sRGB_INTENT_PERCEPTUAL);
  png_set_text(png, info, chunks.data(), static_cast<int>(chunks.size()));
  png_write_info(png, info);
  const std::size_t row_size = static_cast<std::size_t>(frame.width) * 3;
  for (std::size_t row = 0; row < static_cast<std::size_t>(frame.height); ++row) {
    png_write_row(png, frame.pixels.data() + row * row_size);
  }
  png_write_end(png, info);
  png_destroy_write_struct(&png, &info);
  return true;
}

}  // namespace

std::vector<std::uint8_t> encode_png(const Frame& frame, const std::map<std::string, std::string>& text) {
  const std::vector<png_text> chunks = text_chunks(text);
  PngTarget target;
  if (!write_png(frame, chunks, target)) throw MediaError(std::string("libpng: ") + target.message);
  return std::move(target.bytes);
}

}  // namespace streamdiffusion
