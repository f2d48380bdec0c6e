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

/// How far the downloads of a repository are; counted by several threads.
struct Counters {
  std::atomic<std::int64_t> done = 0;      ///< bytes that are there, from earlier runs too
  std::atomic<std::int64_t> received = 0;  ///< bytes that came in now
};

/// Brings one file of a commit into the cache: locked against other processes, resumed where an earlier run
/// has stopped, its size and hash checked before it counts as there.
class FileDownload {
 public:
  /// What was counted as done goes back where it turns out to be useless.
  FileDownload(const HubOptions& options, const Repository& repository, const std::string& commit,
               const RemoteFile& file, Counters& counters);

  void run(HttpClient& client);

 private:
  [[nodiscard]] bool is_there() const;
  posix::FileLock wait_for_lock() const;
  void fetch(HttpClient& client);
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
