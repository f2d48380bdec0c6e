#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "hub/repository.h"

namespace streamdiffusion::hub {

/// Where Python's huggingface_hub keeps a repository, and how:
///
///     models--OWNER--NAME/
///       blobs/HASH                  the files, named by what is in them; HASH.incomplete while they come in
///       snapshots/COMMIT/PATH       links to them (../../blobs/HASH)
///       refs/REVISION               the commit that a branch or tag was at, when it was last asked for
///     .locks/models--OWNER--NAME/HASH.lock
class RepositoryCache {
 public:
  RepositoryCache(const std::filesystem::path& cache, const Repository& repository);

  [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }
  [[nodiscard]] std::filesystem::path blob(const std::string& hash) const { return folder_ / "blobs" / hash; }
  [[nodiscard]] std::filesystem::path incomplete(const std::string& hash) const;
  [[nodiscard]] std::filesystem::path lock(const std::string& hash) const;
  [[nodiscard]] std::filesystem::path snapshot(const std::string& commit) const;

  /// The commit of the repository's revision as far as the cache knows; none where it does not.
  [[nodiscard]] std::optional<std::string> commit() const;
  void write_commit(const std::string& commit) const;

  /// Whether the file is there: the blob, and a link to it at that commit.
  [[nodiscard]] bool has(const std::string& commit, const std::string& path) const;
  /// Links a path of a commit to its blob. The path is checked by is_safe_path already.
  void link(const std::string& commit, const std::string& path, const std::string& hash) const;

  /// Makes the folders that downloads go to.
  void make_folders() const;

 private:
  std::filesystem::path cache_;
  std::filesystem::path folder_;
  std::filesystem::path locks_;
  std::string revision_;
};

/// The name of a repository's folder in the cache.
std::string cache_folder_name(const Repository& repository);

/// The repository of a folder's name; none where it is another folder.
std::optional<Repository> repository_of_folder(const std::string& folder_name);

}  // namespace streamdiffusion::hub
