#include "model/files/pickle.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "streamdiffusion/error.h"

namespace streamdiffusion {

bool is_pickle(const std::filesystem::path& file) {
  static constexpr std::array<std::string_view, 6> kEndings = {".bin", ".ckpt", ".pt",
                                                               ".pth", ".pkl",  ".msgpack"};
  return std::ranges::find(kEndings, file.extension().string()) != kEndings.end();
}

void refuse_pickle(const std::filesystem::path& file) {
  if (is_pickle(file)) {
    throw FileError(
        file.string() +
        ": is not read, because such a file can run any code when it is opened. Download the model as "
        ".safetensors instead, or convert it once in Python: load it with diffusers (from_pretrained for a "
        "folder, from_single_file for a checkpoint) and call save_pretrained(FOLDER)");
  }
}

}  // namespace streamdiffusion
