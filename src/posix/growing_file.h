#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>

namespace streamdiffusion::posix {

/// A file that is only appended to, so that a later run can continue an interrupted download. All functions
/// throw Error with the file's name and the system's reason, such as a full disk or missing rights.
class GrowingFile {
 public:
  /// Opens the file, or creates it. Existing contents are kept.
  explicit GrowingFile(const std::filesystem::path& file);
  ~GrowingFile();
  GrowingFile(const GrowingFile&) = delete;
  GrowingFile& operator=(const GrowingFile&) = delete;

  [[nodiscard]] std::int64_t size() const { return size_; }
  void append(std::span<const std::byte> bytes);
  /// Truncates the file to 0 bytes.
  void clear();
  /// Passes the whole contents to `take`, in pieces.
  void read_all(const std::function<void(std::span<const std::byte>)>& take) const;
  /// Waits until all bytes are on the disk.
  void sync() const;

 private:
  [[noreturn]] void fail(const char* what, int error) const;

  std::filesystem::path file_;
  int descriptor_;
  std::int64_t size_ = 0;
};

}  // namespace streamdiffusion::posix
