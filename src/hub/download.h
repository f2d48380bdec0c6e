#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>

#include "hub/api.h"
#include "hub/cache.h"
#include "hub/http.h"
#include "hub/listing.h"
#include "posix/file_lock.h"
#include "posix/growing_file.h"

namespace streamdiffusion::hub {

/// The progress of a repository's downloads, updated by several threads.
struct Counters {
  std::atomic<std::int64_t> done = 0;      ///< Bytes present, including those of earlier runs.
  std::atomic<std::int64_t> received = 0;  ///< Bytes received in this run.
};

/// Downloads one file of a commit into the cache. Holds a lock against other processes, resumes interrupted
/// downloads, and checks size and hash before the file appears in the cache.
class FileDownload {
 public:
  /// All references must outlive this object. Bytes that prove useless are subtracted from `counters.done`.
  FileDownload(const HubOptions& options, const Repository& repository, const std::string& commit,
               const RemoteFile& file, Counters& counters);

  /// Downloads the file if the cache lacks it. Throws Error if that fails, HubStopped if stopped.
  void run(HttpClient& client);

 private:
  [[nodiscard]] bool is_there() const;
  posix::FileLock wait_for_lock() const;
  void fetch_file(HttpClient& client);
  void fetch_rest(HttpClient& client, posix::GrowingFile& into);
  BodySink begin_body(const HttpHead& head, posix::GrowingFile& into);
  void check_announced(const HttpHead& head) const;
  void check_whole(posix::GrowingFile& into);
  void start_anew(posix::GrowingFile& into);
  void count(std::int64_t size);

  const HubOptions& options_;
  const Repository& repository_;
  const std::string& commit_;
  const RemoteFile& file_;
  RepositoryCache cache_;
  Counters& counters_;
  std::int64_t counted_ = 0;
  bool mismatched_ = false;
};

}  // namespace streamdiffusion::hub
