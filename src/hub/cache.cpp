#include "hub/cache.h"

#include <unistd.h>

#include <fstream>
#include <iterator>
#include <string_view>
#include <system_error>

#include "streamdiffusion/error.h"

namespace streamdiffusion::hub {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "models--";
constexpr std::string_view kSeparator = "--";
constexpr std::string_view kCacheTag =
    "Signature: 8a477f597d28d172789f06886806bc55\n"
    "# This file is a cache directory tag; backup programs may leave the folder out.\n"
    "# For information about cache directory tags, see:\n"
    "#\thttps://bford.info/cachedir/\n";

[[noreturn]] void fail(const fs::path& path, const char* what, const std::error_code& error) {
  throw HubError(path.string() + ": " + what + ": " + error.message() +
                 "; keep the cache elsewhere (HF_HUB_CACHE) where this cannot be changed");
}

void make_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) {
    fail(folder, "the folder cannot be made", error);
  }
}

/// Returns a file name next to `file` that no other process uses.
fs::path temporary_name(const fs::path& file) {
  return file.string() + "." + std::to_string(::getpid()) + ".tmp";
}

void replace(const fs::path& with, const fs::path& file) {
  std::error_code error;
  fs::rename(with, file, error);
  if (error) {
    std::error_code ignored;
    fs::remove(with, ignored);
    fail(file, "cannot be written", error);
  }
}

void write_text(const fs::path& file, std::string_view text) {
  const fs::path temporary = temporary_name(file);
  std::ofstream out(temporary, std::ios::binary);
  out << text;
  out.close();
  if (!out) {
    std::error_code ignored;
    fs::remove(temporary, ignored);
    throw HubError(file.string() + ": cannot be written; is the disk full, or the cache not yours?");
  }
  replace(temporary, file);
}

}  // namespace

std::string cache_folder_name(const Repository& repository) {
  return std::string(kPrefix) + repository.owner + std::string(kSeparator) + repository.name;
}

std::optional<Repository> repository_of_folder(const std::string& folder_name) {
  const std::size_t separator = folder_name.find(kSeparator, kPrefix.size());
  if (!folder_name.starts_with(kPrefix) || separator == std::string::npos) {
    return std::nullopt;
  }
  return parse_repository(folder_name.substr(kPrefix.size(), separator - kPrefix.size()) + "/" +
                          folder_name.substr(separator + kSeparator.size()));
}

RepositoryCache::RepositoryCache(const fs::path& cache, const Repository& repository)
    : cache_(cache),
      folder_(cache / cache_folder_name(repository)),
      locks_(cache / ".locks" / cache_folder_name(repository)),
      revision_(repository.revision) {}

fs::path RepositoryCache::incomplete_file(const std::string& hash) const {
  return folder_ / "blobs" / (hash + ".incomplete");
}

fs::path RepositoryCache::lock_file(const std::string& hash) const { return locks_ / (hash + ".lock"); }

fs::path RepositoryCache::snapshot(const std::string& commit) const { return folder_ / "snapshots" / commit; }

std::optional<std::string> RepositoryCache::read_commit() const {
  if (is_commit(revision_)) {
    return revision_;
  }
  std::ifstream in(folder_ / "refs" / revision_, std::ios::binary);
  std::string commit;
  in >> commit;
  return is_commit(commit) ? std::optional(commit) : std::nullopt;
}

void RepositoryCache::write_commit(const std::string& commit) const {
  if (is_commit(revision_) || read_commit() == commit) {
    return;
  }
  const fs::path file = folder_ / "refs" / revision_;
  make_folder(file.parent_path());
  write_text(file, commit);
}

bool RepositoryCache::has_file(const std::string& commit, const std::string& path) const {
  std::error_code error;
  return fs::is_regular_file(snapshot(commit) / path, error);
}

void RepositoryCache::link_file(const std::string& commit, const std::string& path,
                                const std::string& hash) const {
  const fs::path file = snapshot(commit) / path;
  make_folder(file.parent_path());
  const fs::path target = blob(hash).lexically_relative(file.parent_path());
  const fs::path temporary = temporary_name(file);
  std::error_code error;
  fs::remove(temporary, error);
  fs::create_symlink(target, temporary, error);
  if (error) {
    fail(file, "the link into the cache cannot be made", error);
  }
  replace(temporary, file);
}

void RepositoryCache::make_folders() const {
  for (const fs::path& folder : {folder_ / "blobs", locks_}) {
    make_folder(folder);
  }
  if (std::error_code error; !fs::exists(cache_ / "CACHEDIR.TAG", error)) {
    write_text(cache_ / "CACHEDIR.TAG", kCacheTag);
  }
}

}  // namespace streamdiffusion::hub
