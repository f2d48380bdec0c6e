#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>
#include <string>

namespace streamdiffusion::posix {

/// A file descriptor for reading. The destructor closes it, unless it is standard input. Move-only.
class Descriptor {
 public:
  /// Returns the descriptor of standard input, which is never closed.
  static Descriptor standard_input();
  /// Opens a file. Does not wait for the writer of a named pipe. Throws Error if the file cannot be opened.
  explicit Descriptor(const std::filesystem::path& file);
  ~Descriptor();
  Descriptor(Descriptor&& other) noexcept;
  Descriptor& operator=(Descriptor&&) = delete;

  /// Waits until there is data to read or the other end is closed. Returns false if neither happens in
  /// `time`.
  [[nodiscard]] bool wait(std::chrono::milliseconds time) const;
  /// Reads available bytes. Returns their number, 0 at the end, or nullopt if there are none yet. Throws
  /// Error if reading fails.
  [[nodiscard]] std::optional<std::size_t> read(std::span<char> bytes) const;
  /// True unless this is standard input.
  [[nodiscard]] bool is_named() const { return owned_; }

 private:
  Descriptor(int descriptor, bool owned) : descriptor_(descriptor), owned_(owned) {}

  int descriptor_;
  bool owned_;
};

}  // namespace streamdiffusion::posix
