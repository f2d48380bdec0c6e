#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace streamdiffusion {

/// Builds an uncompressed ZIP archive like huggingface_hub's export_folder_as_dduf.
class StoredZip {
 public:
  /// With `zip64`, sizes and offsets are only in ZIP64 records, as for files beyond 4 GB.
  explicit StoredZip(bool zip64 = false) : zip64_(zip64) {}

  void add(const std::string& name, const std::string& data, unsigned method = 0) {
    const std::uint64_t place = bytes_.size();
    const std::uint64_t size = zip64_ ? kInZip64 : data.size();
    bytes_ += "PK\x03\x04" + number(20, 2) + number(0, 2) + number(method, 2) + number(0, 8) +
              number(size, 4) + number(size, 4) + number(name.size(), 2) + number(zip64_ ? 20 : 0, 2) + name;
    if (zip64_) {
      bytes_ += number(1, 2) + number(16, 2) + number(data.size(), 8) + number(data.size(), 8);
    }
    bytes_ += data;
    const std::string extra = !zip64_
                                  ? ""
                                  : number(7, 2) + number(2, 2) + "xx" + number(1, 2) + number(24, 2) +
                                        number(data.size(), 8) + number(data.size(), 8) + number(place, 8);
    directory_ += "PK\x01\x02" + number(20, 4) + number(0, 2) + number(method, 2) + number(0, 8) +
                  number(size, 4) + number(size, 4) + number(name.size(), 2) + number(extra.size(), 2) +
                  number(0, 10) + number(zip64_ ? kInZip64 : place, 4) + name + extra;
    ++entries_;
  }

  /// Adds all files of a folder and its subfolders.
  void add_folder(const std::filesystem::path& folder) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
      if (entry.is_regular_file()) {
        std::ifstream in(entry.path(), std::ios::binary);
        add(entry.path().lexically_relative(folder).generic_string(),
            {std::istreambuf_iterator<char>(in), {}});
      }
    }
  }

  [[nodiscard]] std::string bytes(const std::string& comment = "") const {
    const std::uint64_t begin = bytes_.size();
    std::string all = bytes_ + directory_;
    if (zip64_) {
      const std::uint64_t end = all.size();
      all += "PK\x06\x06" + number(44, 8) + number(45, 2) + number(45, 2) + number(0, 8) +
             number(entries_, 8) + number(entries_, 8) + number(directory_.size(), 8) + number(begin, 8);
      all += "PK\x06\x07" + number(0, 4) + number(end, 8) + number(1, 4);
    }
    return all + "PK\x05\x06" + number(0, 4) + number(zip64_ ? 0xFFFF : entries_, 2) +
           number(zip64_ ? 0xFFFF : entries_, 2) + number(zip64_ ? kInZip64 : directory_.size(), 4) +
           number(zip64_ ? kInZip64 : begin, 4) + number(comment.size(), 2) + comment;
  }

 private:
  static constexpr std::uint64_t kInZip64 = 0xFFFFFFFF;

  /// Encodes a number in `size` bytes, little endian.
  static std::string number(std::uint64_t value, std::size_t size) {
    std::string bytes(size, '\0');
    for (std::size_t i = 0; i < std::min<std::size_t>(size, 8); ++i) {
      bytes[i] = static_cast<char>((value >> (8 * i)) & 0xFFU);
    }
    return bytes;
  }

  bool zip64_;
  std::string bytes_;
  std::string directory_;
  std::uint64_t entries_ = 0;
};

}  // namespace streamdiffusion
