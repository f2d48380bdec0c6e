#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace streamdiffusion::hub {

/// Computes the hash that the hub lists of a file, piece by piece as it comes in: SHA-256 for a hash of 64
/// digits, git's SHA-1 of a blob for one of 40.
class Checksum {
 public:
  Checksum(std::size_t digits, std::int64_t size);
  void add(std::span<const std::byte> bytes);
  /// In hexadecimal digits. To be called once.
  [[nodiscard]] std::string finish();

 private:
  struct Free {
    void operator()(void* context) const;
  };
  std::unique_ptr<void, Free> context_;
};

}  // namespace streamdiffusion::hub
