#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace streamdiffusion::hub {

/// A file of a repository at a commit, as the hub lists it.
struct RemoteFile {
  std::string path;  ///< checked: safe below a folder of ours
  std::int64_t size = 0;
  /// SHA-256 of the bytes where the file is kept in LFS (64 digits), else its SHA-1 as a git blob (40
  /// digits). Names the blob in the cache.
  std::string hash;
};

// What the hub's API answers. All of it throws Error that begins with `where` for what is malformed or
// hostile: paths that lead out of a folder, hashes that are none, sizes that cannot be.

/// The commit that /api/models/ID/revision/REVISION tells.
std::string parse_commit(std::string_view json, const std::string& where);

/// The files of one page of /api/models/ID/tree/COMMIT; folders are left out.
std::vector<RemoteFile> parse_tree(std::string_view json, const std::string& where);

/// The address of the next page in a Link header; empty where this is the last.
std::string next_page(std::string_view link_header);

}  // namespace streamdiffusion::hub
