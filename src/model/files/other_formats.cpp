#include "model/files/other_formats.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>

namespace streamdiffusion {
namespace {

struct Format {
  std::string_view first_bytes;
  std::string_view description;
};

constexpr std::string_view kWebPage =
    "a web page, which the server sent in place of the file; download it again, after signing in or "
    "accepting "
    "the model's conditions where its page asks for that";

constexpr std::string_view kPickle =
    "a pickle, which can run any code when it is opened and is not read, whatever its name ends with; "
    "download "
    "the model as .safetensors";

constexpr std::array<Format, 9> kFormats = {{
    {"GGUF",
     "a GGUF file, whose quantised weights are not read; give the model as a diffusers folder or as a "
     "checkpoint "
     "in one .safetensors file, and compute in int8 where memory is short"},
    {"PK\x03\x04",
     "a ZIP archive: a DDUF file, whose name has to end with .dduf, or a pickle of PyTorch, which can run "
     "any "
     "code when it is opened and is not read; download the model as .safetensors"},
    {"\x80\x02", kPickle},
    {"\x80\x03", kPickle},
    {"\x80\x04", kPickle},
    {"version https://git-lfs", "a pointer of Git LFS to the file; run \"git lfs pull\" in its folder"},
    {"<!DOCTYPE", kWebPage},
    {"<!doctype", kWebPage},
    {"<html", kWebPage},
}};

// An index begins with its metadata, which are short.
constexpr std::size_t kSearchedBytes = 65536;

std::string_view describe_json(std::string_view text) {
  return text.substr(0, kSearchedBytes).find("\"weight_map\"") != std::string_view::npos
             ? "the index of a model in several files; give the folder that it belongs to, of a whole model "
               "the "
               "one with model_index.json"
             : "a JSON file, such as a configuration; give the folder that it belongs to, or the "
               ".safetensors "
               "file with the weights";
}

}  // namespace

std::string describe_other_format(std::span<const std::byte> bytes) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (text.starts_with('{')) {
    return std::string(describe_json(text));
  }
  const auto* const found = std::ranges::find_if(
      kFormats, [text](const Format& format) { return text.starts_with(format.first_bytes); });
  return std::string(found == kFormats.end() ? std::string_view() : found->description);
}

}  // namespace streamdiffusion
