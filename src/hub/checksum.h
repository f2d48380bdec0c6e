#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace streamdiffusion::hub {

/// Computes a file's hash incrementally, in the form that the hub lists: SHA-256 for hashes of 64 hexadecimal
/// digits, SHA-1 of a git blob for those of 40.
class Checksum {
 public:
  /// `digits` is the length of the listed hash, `size` the file's size in bytes.
  Checksum(std::size_t digits, std::int64_t size);
  void add(std::span<const std::byte> bytes);
  /// Returns the hash in lower-case hexadecimal digits. Call it once.
  [[nodiscard]] std::string finish();

 private:
  struct Free {
    void operator()(void* context) const;
  };
  std::unique_ptr<void, Free> context_;
};

}  // namespace streamdiffusion::hub
