#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>

namespace streamdiffusion {

/// A JSON file that other programs change while this one runs.
class WatchedFile {
 public:
  using Clock = std::chrono::steady_clock;

  explicit WatchedFile(std::filesystem::path file);

  /// Returns the file's contents if they changed since the last call. Returns nullopt if the file is
  /// unchanged or missing, or changed within the last 100 ms, when its writer may not be done. Throws Error
  /// if the contents are not JSON, once for each change.
  std::optional<nlohmann::json> poll(Clock::time_point now = Clock::now());

 private:
  /// The attributes by which a change of the file is detected.
  struct Stamp {
    std::filesystem::file_time_type written;
    std::uintmax_t size = 0;
    bool operator==(const Stamp&) const = default;
  };
  [[nodiscard]] std::optional<Stamp> stamp() const;
  [[nodiscard]] nlohmann::json read() const;

  std::filesystem::path file_;
  std::optional<Stamp> read_;  ///< Attributes when the file was last read.
  std::optional<Stamp> seen_;  ///< Attributes at the last call of `poll`.
  Clock::time_point unchanged_since_;
};

}  // namespace streamdiffusion
