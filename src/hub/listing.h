#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace streamdiffusion::hub {

/// A file of a repository at a commit, as the hub lists it.
struct RemoteFile {
  std::string path;  ///< Has passed is_safe_path.
  std::int64_t size = 0;
  /// SHA-256 of a file in LFS (64 digits), else its SHA-1 as a git blob (40 digits). Names the cached blob.
  std::string hash;
};

// Parsers of the hub API's responses. They throw Error that begins with `where` for malformed or hostile
// content: paths that lead out of a folder, invalid hashes, impossible sizes.

/// Returns the commit in the response to /api/models/ID/revision/REVISION.
std::string parse_commit(std::string_view json, const std::string& where);

/// Returns the files on one page of /api/models/ID/tree/COMMIT, without folders.
std::vector<RemoteFile> parse_tree(std::string_view json, const std::string& where);

/// Returns the address of the next page in a Link header, or an empty text on the last page.
std::string parse_next_page(std::string_view link_header);

}  // namespace streamdiffusion::hub
