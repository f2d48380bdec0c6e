#include "hub/downloads.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <filesystem>
#include <mutex>
#include <numeric>
#include <system_error>
#include <thread>

#include "hub/cache.h"
#include "hub/download.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion::hub {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

std::int64_t size_of(const fs::path& file) {
  std::error_code error;
  const std::uintmax_t size = fs::file_size(file, error);
  return error ? 0 : static_cast<std::int64_t>(size);
}

std::string megabytes(std::int64_t bytes) { return std::to_string((bytes + 999'999) / 1'000'000) + " MB"; }

void check_space(const HubOptions& options, const RepositoryCache& cache, const std::string& commit,
                 const std::vector<RemoteFile>& files) {
  std::int64_t needed = 0;
  for (const RemoteFile& file : files) {
    if (!cache.has_file(commit, file.path) && size_of(cache.blob(file.hash)) != file.size) {
      needed += std::max<std::int64_t>(file.size - size_of(cache.incomplete_file(file.hash)), 0);
    }
  }
  std::error_code error;
  const fs::space_info space = fs::space(cache.folder(), error);
  if (!error && space.available < static_cast<std::uintmax_t>(needed)) {
    throw HubError(options.cache.string() + ": there is space for " +
                   megabytes(static_cast<std::int64_t>(space.available)) + ", but " + megabytes(needed) +
                   " are to be downloaded; free some, or keep the cache elsewhere (HF_HUB_CACHE)");
  }
}

/// Threads that download the files, each taking the next one.
class Workers {
 public:
  Workers(const HubOptions& options, const Repository& repository, const std::string& commit,
          const std::vector<RemoteFile>& files)
      : options_(options), repository_(repository), commit_(commit), files_(files) {
    // Messages come from several threads. libcurl polls one flag for the user's stop and our own failures.
    options_.on_message = [this, say = options.on_message](const std::string& text) {
      const std::lock_guard lock(mutex_);
      if (say) {
        say(text);
      }
    };
    options_.stop = &stop_;
  }

  void run(const HubOptions& user) {
    const auto count = std::min(files_.size(), static_cast<std::size_t>(std::max(options_.parallel, 1)));
    running_ = count;
    {
      std::vector<std::jthread> threads;
      for (std::size_t i = 0; i < count; ++i) {
        threads.emplace_back([this] { work(); });
      }
      watch(user);
    }
    if (error_) {
      std::rethrow_exception(error_);
    }
    report(user);  // that all files are there
  }

 private:
  void work() {
    try {
      HttpClient client(options_.endpoint, options_.token, &stop_);
      for (std::size_t i = next_++; i < files_.size() && !stop_; i = next_++) {
        FileDownload(options_, repository_, commit_, files_[i], counters_).run(client);
      }
    } catch (...) {
      const std::lock_guard lock(mutex_);
      if (!stop_.exchange(true)) {  // later errors only follow from the first
        error_ = std::current_exception();
      }
    }
    const std::lock_guard lock(mutex_);
    --running_;
    finished_.notify_all();
  }

  /// Reports progress until all threads end, and forwards the user's stop request.
  void watch(const HubOptions& user) {
    constexpr std::chrono::milliseconds kInterval{100};
    std::unique_lock lock(mutex_);
    while (!finished_.wait_for(lock, kInterval, [this] { return running_ == 0; })) {
      if (user.stop != nullptr && *user.stop && !stop_.exchange(true)) {
        error_ = std::make_exception_ptr(HubStopped(
            "the download was stopped; what has come is kept, and the next download goes on from there"));
      }
      report(user);
    }
  }

  void report(const HubOptions& user) const {
    if (!user.on_progress) {
      return;
    }
    const auto add_size = [](std::int64_t sum, const RemoteFile& file) { return sum + file.size; };
    const std::chrono::duration<double> elapsed = Clock::now() - start_;
    user.on_progress({.name = repository_.id(),
                      .done = counters_.done,
                      .total = std::accumulate(files_.begin(), files_.end(), std::int64_t{0}, add_size),
                      .bytes_per_second = static_cast<double>(counters_.received) / elapsed.count()});
  }

  HubOptions options_;
  const Repository& repository_;
  const std::string& commit_;
  const std::vector<RemoteFile>& files_;
  const Clock::time_point start_ = Clock::now();
  std::atomic<bool> stop_ = false;
  Counters counters_;
  std::atomic<std::size_t> next_ = 0;
  std::mutex mutex_;
  std::condition_variable finished_;
  std::size_t running_ = 0;
  std::exception_ptr error_;
};

}  // namespace

void download_all(const HubOptions& options, const Repository& repository, const std::string& commit,
                  const std::vector<RemoteFile>& files) {
  const RepositoryCache cache(options.cache, repository);
  cache.make_folders();
  check_space(options, cache, commit, files);
  // Large files first, so that small ones fill the gaps at the end.
  std::vector<RemoteFile> order = files;
  std::ranges::stable_sort(order, std::ranges::greater(), &RemoteFile::size);
  Workers(options, repository, commit, order).run(options);
}

}  // namespace streamdiffusion::hub
