#include "control/watched_file.h"

#include <fstream>
#include <iterator>
#include <system_error>

#include "streamdiffusion/error.h"

namespace streamdiffusion {
namespace {

/// Time without changes after which a file counts as completely written: editors write at once, and a change
/// should still show at once.
constexpr std::chrono::milliseconds kSettled{100};
constexpr std::uintmax_t kLargest = 1U << 20U;  // A hundred of the longest prompts.

}  // namespace

WatchedFile::WatchedFile(std::filesystem::path file) : file_(std::move(file)), seen_(stamp()) {}

std::optional<nlohmann::json> WatchedFile::poll(Clock::time_point now) {
  const std::optional<Stamp> present = stamp();
  if (present != seen_) {
    seen_ = present;
    unchanged_since_ = now;
  }
  const bool settled = now - unchanged_since_ >= kSettled;
  if (!present || present == read_ || !settled) return std::nullopt;
  read_ = present;
  return read();
}

std::optional<WatchedFile::Stamp> WatchedFile::stamp() const {
  std::error_code error;
  if (!std::filesystem::is_regular_file(file_, error)) return std::nullopt;
  Stamp stamp;
  stamp.written = std::filesystem::last_write_time(file_, error);
  if (!error) stamp.size = std::filesystem::file_size(file_, error);
  return error ? std::nullopt : std::optional(stamp);
}

nlohmann::json WatchedFile::read() const {
  if (read_->size > kLargest) throw ArgumentError(file_.string() + " is larger than 1 MiB");
  std::ifstream stream(file_, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  try {
    return nlohmann::json::parse(bytes);
  } catch (const nlohmann::json::exception& error) {
    const std::string reason = error.what();
    throw ArgumentError(file_.string() + " is no JSON" +
                        (bytes.empty() ? "; it is empty" : ": " + reason.substr(reason.find("] ") + 2)));
  }
}

}  // namespace streamdiffusion
