#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>
#include <string>

namespace streamdiffusion::posix {

/// A file descriptor that is read from. Closed with the object where it was opened by it; move-only.
class Descriptor {
 public:
  /// Standard input, which stays open.
  static Descriptor standard_input();
  /// Throws Error where the file cannot be read. A named pipe is opened without waiting for its writer.
  explicit Descriptor(const std::filesystem::path& file);
  ~Descriptor();
  Descriptor(Descriptor&& other) noexcept;
  Descriptor& operator=(Descriptor&&) = delete;

  /// Waits until there is something to read or the other end is closed; false when neither came in time.
  [[nodiscard]] bool wait(std::chrono::milliseconds time) const;
  /// Bytes read, 0 at the end, nothing where there is none yet. Throws Error.
  [[nodiscard]] std::optional<std::size_t> read(std::span<char> bytes) const;
  /// Not standard input.
  [[nodiscard]] bool is_named() const { return owned_; }

 private:
  Descriptor(int descriptor, bool owned) : descriptor_(descriptor), owned_(owned) {}

  int descriptor_;
  bool owned_;
};

}  // namespace streamdiffusion::posix
