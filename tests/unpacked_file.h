#pragma once

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <system_error>

#include "streamdiffusion/error.h"

namespace streamdiffusion {

/// Unpacks a .gz file to a temporary folder, under its name without ".gz". The destructor deletes it.
class UnpackedFile {
 public:
  explicit UnpackedFile(const std::filesystem::path& packed) : folder_(make_folder()) {
    path_ = folder_ / packed.stem();
    const std::unique_ptr<gzFile_s, int (*)(gzFile)> in(gzopen(packed.c_str(), "rb"), gzclose);
    std::ofstream out(path_, std::ios::binary);
    std::array<char, 1U << 16U> part{};
    int size = in ? 1 : -1;
    while (size > 0) {
      size = gzread(in.get(), part.data(), part.size());
      out.write(part.data(), std::max(size, 0));
    }
    if (size < 0 || !out.flush()) {
      std::filesystem::remove_all(folder_);
      throw Error(packed.string() + ": cannot be unpacked");
    }
  }
  ~UnpackedFile() {
    std::error_code error;
    std::filesystem::remove_all(folder_, error);
  }
  UnpackedFile(const UnpackedFile&) = delete;
  UnpackedFile& operator=(const UnpackedFile&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  static std::filesystem::path make_folder() {
    std::string folder = (std::filesystem::temp_directory_path() / "streamdiffusion-XXXXXX").string();
    if (mkdtemp(folder.data()) == nullptr) {
      throw Error(folder + ": cannot be made");
    }
    return folder;
  }

  std::filesystem::path folder_;
  std::filesystem::path path_;
};

}  // namespace streamdiffusion
