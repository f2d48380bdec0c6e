#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>

namespace streamdiffusion {

/// A JSON file that other programs write while this one runs.
class WatchedFile {
 public:
  using Clock = std::chrono::steady_clock;

  explicit WatchedFile(std::filesystem::path file);

  /// What the file holds, where it is new since the last call; nothing as long as it stays as it is, is
  /// missing, or has changed within the last moments. Throws Error, once for each content, where it is no
  /// JSON.
  std::optional<nlohmann::json> poll(Clock::time_point now = Clock::now());

 private:
  /// What tells that a file has changed.
  struct Stamp {
    std::filesystem::file_time_type written;
    std::uintmax_t size = 0;
    bool operator==(const Stamp&) const = default;
  };
  [[nodiscard]] std::optional<Stamp> stamp() const;
  [[nodiscard]] nlohmann::json read() const;

  std::filesystem::path file_;
  std::optional<Stamp> read_;  ///< of what was read last
  std::optional<Stamp> seen_;  ///< at the last call
  Clock::time_point unchanged_since_;
};

}  // namespace streamdiffusion
