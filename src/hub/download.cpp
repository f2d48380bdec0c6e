#include "hub/download.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <system_error>
#include <thread>

#include "hub/checksum.h"
#include "hub/url.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion::hub {
namespace {

namespace fs = std::filesystem;

constexpr int kAttempts = 5;

/// Returns the first byte of a Content-Range such as "bytes 100-199/200", or -1 if it has none.
std::int64_t range_begin(const std::string& content_range) {
  const std::size_t space = content_range.find(' ');
  if (space == std::string::npos) {
    return -1;
  }
  try {
    return std::stoll(content_range.substr(space + 1));
  } catch (const std::exception&) {
    return -1;
  }
}

}  // namespace

FileDownload::FileDownload(const HubOptions& options, const Repository& repository, const std::string& commit,
                           const RemoteFile& file, Counters& counters)
    : options_(options),
      repository_(repository),
      commit_(commit),
      file_(file),
      cache_(options.cache, repository),
      counters_(counters) {}

void FileDownload::run(HttpClient& client) {
  if (cache_.has_file(commit_, file_.path)) {
    count(file_.size);
    return;
  }
  if (!is_there()) {
    const posix::FileLock lock = wait_for_lock();
    if (!is_there()) {  // another process may have downloaded it meanwhile
      fetch_file(client);
    }
  }
  count(file_.size);
  cache_.link_file(commit_, file_.path, file_.hash);
}

bool FileDownload::is_there() const {
  std::error_code error;
  return fs::is_regular_file(cache_.blob(file_.hash), error) &&
         fs::file_size(cache_.blob(file_.hash), error) == static_cast<std::uintmax_t>(file_.size);
}

posix::FileLock FileDownload::wait_for_lock() const {
  constexpr std::chrono::milliseconds kInterval{100};
  for (bool said = false;;) {
    if (auto lock = posix::FileLock::try_lock(cache_.lock_file(file_.hash))) {
      return std::move(*lock);
    }
    if (options_.stop != nullptr && *options_.stop) {
      throw HubStopped("the download was stopped");
    }
    if (!said && options_.on_message) {
      options_.on_message(file_.path + ": another process downloads it; waiting");
    }
    said = true;
    std::this_thread::sleep_for(kInterval);
  }
}

void FileDownload::fetch_file(HttpClient& client) {
  posix::GrowingFile into(cache_.incomplete_file(file_.hash));
  if (into.size() > file_.size) {
    into.clear();
  }
  count(into.size());
  std::int64_t reached = into.size();
  const Retry retry(kAttempts, options_.stop, options_.on_message);
  retry.run(
      [&] {
        if (into.size() < file_.size) {
          fetch_rest(client, into);
        }
        check_whole(into);
      },
      [&] {
        const bool further = into.size() > reached;
        reached = std::max(reached, into.size());
        return further;
      });
  into.sync();
  std::error_code error;
  fs::rename(cache_.incomplete_file(file_.hash), cache_.blob(file_.hash), error);
  if (error) {
    throw HubError(cache_.blob(file_.hash).string() + ": cannot be written: " + error.message());
  }
}

void FileDownload::fetch_rest(HttpClient& client, posix::GrowingFile& into) {
  const auto begin = [&](const HttpHead& head) { return begin_body(head, into); };
  const auto check_redirect = [this](const HttpHead& head) { check_announced(head); };
  const std::string url = file_url(options_, repository_, commit_, file_.path);
  try {
    const HttpHead head = get_following(client, url, into.size(), begin, check_redirect);
    if (head.status == 416) {  // the partial file is longer than the file
      start_anew(into);
      throw Unavailable(file_.path + ": what was downloaded before does not fit; downloading it anew");
    }
    check_status(head, head.location, repository_, options_);
  } catch (const ConnectionError& error) {
    throw Unavailable(file_.path + ": " + error.what());
  }
  if (into.size() < file_.size) {
    throw Unavailable(file_.path + ": ends after " + std::to_string(into.size()) + " of " +
                      std::to_string(file_.size) + " bytes");
  }
}

BodySink FileDownload::begin_body(const HttpHead& head, posix::GrowingFile& into) {
  if (head.status != 206) {
    start_anew(into);  // the server sends the whole file
  } else if (range_begin(head.content_range) != into.size()) {
    throw HubError(file_.path + ": the server sends another part of the file than it was asked for");
  }
  return [this, &into](std::span<const std::byte> bytes) {
    if (into.size() + static_cast<std::int64_t>(bytes.size()) > file_.size) {
      start_anew(into);
      throw HubError(file_.path + ": the server sends more than the " + std::to_string(file_.size) +
                     " bytes that it has announced; refused");
    }
    into.append(bytes);
    counters_.received += static_cast<std::int64_t>(bytes.size());
    count(into.size());
  };
}

void FileDownload::check_announced(const HttpHead& head) const {
  // The hub states the hash twice: in its list and in the redirect. Storage servers have ETags of their own.
  if (!head.etag.empty() && is_hash(head.etag, file_.hash.size()) && head.etag != file_.hash) {
    throw HubError(file_.path + ": the hub lists it with the hash " + file_.hash + ", but sends " +
                   head.etag + "; try again");
  }
}

void FileDownload::check_whole(posix::GrowingFile& into) {
  Checksum checksum(file_.hash.size(), file_.size);
  into.read_all([&](std::span<const std::byte> bytes) { checksum.add(bytes); });
  if (checksum.finish() != file_.hash) {
    start_anew(into);
    const std::string message = file_.path + ": what came does not have the checksum that the hub lists";
    if (mismatched_) {  // another download would hardly differ
      throw HubError(message + ", twice; something between here and the hub changes it");
    }
    mismatched_ = true;
    throw Unavailable(message);
  }
}

void FileDownload::start_anew(posix::GrowingFile& into) {
  into.clear();
  count(0);
}

void FileDownload::count(std::int64_t size) {
  counters_.done += size - counted_;
  counted_ = size;
}

}  // namespace streamdiffusion::hub
