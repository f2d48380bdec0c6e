#include "hub/fetch.h"

#include <algorithm>
#include <system_error>

#include "hub/api.h"
#include "hub/cache.h"
#include "hub/downloads.h"

namespace streamdiffusion::hub {
namespace {

namespace fs = std::filesystem;

constexpr int kListingAttempts = 4;

fs::path path_of(const fs::path& snapshot, const Selection& selection) {
  return selection.path_to_open.empty() ? snapshot : snapshot / selection.path_to_open;
}

/// Lists the files of a snapshot like the hub does, without hashes.
std::vector<RemoteFile> list_snapshot(const fs::path& snapshot) {
  std::vector<RemoteFile> files;
  std::error_code error;
  for (fs::recursive_directory_iterator entry(snapshot, error), end; !error && entry != end;
       entry.increment(error)) {
    if (entry->is_regular_file(error)) {  // follows links; dangling ones are no files
      files.push_back({.path = entry->path().lexically_relative(snapshot).generic_string(),
                       .size = static_cast<std::int64_t>(entry->file_size(error)),
                       .hash = ""});
    }
  }
  return files;
}

fs::path fetch_from_hub(const Repository& repository, Purpose purpose, const HubOptions& options,
                        int attempts) {
  HubApi api(options, attempts);
  const RepositoryCache cache(options.cache, repository);
  const std::string commit = api.query_commit(repository);
  const auto is_there = [&](const RemoteFile& file) { return cache.has_file(commit, file.path); };
  const Selection selection =
      select_files(api.query_files(repository, commit), repository, purpose, is_there);
  if (!std::ranges::all_of(selection.files, is_there)) {
    download_all(options, repository, commit, selection.files);
  }
  // Written last: until all files are there, offline use still finds the earlier commit.
  cache.write_commit(commit);
  return path_of(cache.snapshot(commit), selection);
}

}  // namespace

std::optional<fs::path> find_cached(const Repository& repository, Purpose purpose,
                                    const HubOptions& options) {
  const RepositoryCache cache(options.cache, repository);
  const std::optional<std::string> commit = cache.read_commit();
  if (!commit) {
    return std::nullopt;
  }
  const std::vector<RemoteFile> files = list_snapshot(cache.snapshot(*commit));
  if (files.empty()) {
    return std::nullopt;
  }
  try {
    const auto is_there = [](const RemoteFile&) { return true; };
    return path_of(cache.snapshot(*commit), select_files(files, repository, purpose, is_there));
  } catch (const Error&) {
    return std::nullopt;  // a required file is missing
  }
}

fs::path fetch_files(const Repository& repository, Purpose purpose, const HubOptions& options) {
  const std::optional<fs::path> cached = find_cached(repository, purpose, options);
  if (cached && (options.offline || is_commit(repository.revision))) {  // a commit never changes
    return *cached;
  }
  if (options.offline) {
    throw HubError(repository.text() + ": is no file or folder here, and not in the cache (" +
                   options.cache.string() + "), and HF_HUB_OFFLINE forbids to download it");
  }
  try {
    // With a cached copy, one attempt: the user should not wait for a hub that does not answer.
    return fetch_from_hub(repository, purpose, options, cached ? 1 : kListingAttempts);
  } catch (const Unreachable& error) {
    if (!cached) {
      throw HubError(repository.text() + ": cannot be downloaded and is not in the cache: " + error.what() +
                     "; check the connection (HF_ENDPOINT, https_proxy)");
    }
    if (options.on_message) {
      options.on_message(std::string(error.what()) + "; using " + repository.text() + " from the cache");
    }
    return *cached;
  }
}

}  // namespace streamdiffusion::hub
