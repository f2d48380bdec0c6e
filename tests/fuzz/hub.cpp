// Checks that any answer of a server is an Error or safe to make files from. The input is an answer of the
// API; its first line is also read as a header's.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "hub/http.h"
#include "hub/listing.h"
#include "hub/repository.h"
#include "hub/selection.h"
#include "streamdiffusion/error.h"

namespace {

using namespace streamdiffusion;
using namespace streamdiffusion::hub;

void check(bool holds) {
  if (!holds) {
    std::abort();
  }
}

void check_files(const std::vector<RemoteFile>& files) {
  for (const RemoteFile& file : files) {
    check(is_safe_path(file.path) && file.size >= 0);
    check(is_hash(file.hash, 40) || is_hash(file.hash, 64));
  }
}

void check_selection(const std::vector<RemoteFile>& files) {
  const Repository repository{.owner = "someone", .name = "model", .file = {}};
  for (const Purpose purpose : {Purpose::model, Purpose::autoencoder, Purpose::lora}) {
    try {
      const Selection selection =
          select_files(files, repository, purpose, [](const RemoteFile& file) { return file.size % 2 == 0; });
      for (const RemoteFile& file : selection.files) {
        const std::string_view path = file.path;
        check(path.ends_with(".safetensors") || path.ends_with(".json") || path.ends_with("merges.txt"));
      }
    } catch (const Error&) {
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::string_view first = input.substr(0, input.find('\n'));
  HttpHead head;
  read_header("HTTP/1.1 200", head);
  read_header(first, head);
  static_cast<void>(parse_next_page(first));
  if (const auto repository = parse_repository(std::string(first))) {
    check(is_safe_path(repository->owner) && is_safe_path(repository->name) &&
          is_safe_path(repository->revision));
    check(repository->file.empty() || is_safe_path(repository->file));
  }
  try {
    check(is_commit(parse_commit(input, "answer")));
  } catch (const Error&) {
  }
  try {
    const std::vector<RemoteFile> files = parse_tree(input, "answer");
    check_files(files);
    check_selection(files);
  } catch (const Error&) {
  }
  return 0;
}
