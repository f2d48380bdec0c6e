#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "hub/repository.h"

namespace streamdiffusion::hub {

/// A repository in the cache of Python's huggingface_hub, which has this layout:
///
///     models--OWNER--NAME/
///       blobs/HASH                  the files, named by their hashes; HASH.incomplete during the download
///       snapshots/COMMIT/PATH       links to them (../../blobs/HASH)
///       refs/REVISION               the commit of a branch or tag when it was last queried
///     .locks/models--OWNER--NAME/HASH.lock
class RepositoryCache {
 public:
  RepositoryCache(const std::filesystem::path& cache, const Repository& repository);

  [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }
  [[nodiscard]] std::filesystem::path blob(const std::string& hash) const { return folder_ / "blobs" / hash; }
  [[nodiscard]] std::filesystem::path incomplete_file(const std::string& hash) const;
  [[nodiscard]] std::filesystem::path lock_file(const std::string& hash) const;
  [[nodiscard]] std::filesystem::path snapshot(const std::string& commit) const;

  /// Returns the commit of the repository's revision as of the last query, or nothing if there was none.
  [[nodiscard]] std::optional<std::string> read_commit() const;
  /// Records the commit of a branch or tag. Throws Error if it cannot be written.
  void write_commit(const std::string& commit) const;

  /// True if the path exists at that commit, with its blob.
  [[nodiscard]] bool has_file(const std::string& commit, const std::string& path) const;
  /// Links a path of a commit to its blob. The path must have passed is_safe_path.
  void link_file(const std::string& commit, const std::string& path, const std::string& hash) const;

  /// Creates the folders that downloads go to.
  void make_folders() const;

 private:
  std::filesystem::path cache_;
  std::filesystem::path folder_;
  std::filesystem::path locks_;
  std::string revision_;
};

/// Returns the name of a repository's folder in the cache.
std::string cache_folder_name(const Repository& repository);

/// Returns the repository of a folder's name, or nothing for other folders.
std::optional<Repository> repository_of_folder(const std::string& folder_name);

}  // namespace streamdiffusion::hub
