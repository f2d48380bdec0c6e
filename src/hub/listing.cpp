#include "hub/listing.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "hub/repository.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion::hub {
namespace {

using nlohmann::json;

constexpr int kDeepest = 32;
constexpr std::int64_t kLargest = std::int64_t{1} << 44;  // 16 TiB
constexpr std::size_t kShown = 80;

/// Formats a value in ASCII, cut to a length for messages. It may hold anything.
std::string show(const json& value) {
  const std::string shown = value.dump(-1, ' ', true, json::error_handler_t::replace);
  return shown.size() > kShown ? shown.substr(0, kShown) + "..." : shown;
}

json parse(std::string_view text, const std::string& where) {
  const auto check_depth = [&where](int depth, json::parse_event_t, const json&) {
    if (depth > kDeepest) {
      throw HubError(where + ": the answer is nested deeper than anything the hub sends");
    }
    return true;
  };
  try {
    return json::parse(text.begin(), text.end(), check_depth);
  } catch (const json::exception&) {
    throw HubError(where +
                   ": the answer is not JSON; is this a Hugging Face hub? (HF_ENDPOINT, a proxy's page)");
  }
}

std::string get_string(const json& object, const char* key, const std::string& where) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_string()) {
    throw HubError(where + ": the answer has no \"" + key + "\"");
  }
  return found->get<std::string>();
}

std::int64_t get_size(const json& object, const std::string& where) {
  const auto found = object.find("size");
  if (found == object.end() || !found->is_number_integer() || *found < 0 || *found > kLargest) {
    throw HubError(where + ": lists a file of size " + (found == object.end() ? "unknown" : show(*found)));
  }
  return found->get<std::int64_t>();
}

std::string get_hash(const json& object, std::size_t digits, const std::string& where) {
  std::string hash = get_string(object, "oid", where);
  if (!is_hash(hash, digits)) {
    throw HubError(where + ": lists a file with the hash " + show(json(hash)) + ", which is none");
  }
  return hash;
}

RemoteFile parse_file(const json& entry, const std::string& where) {
  RemoteFile file;
  file.path = get_string(entry, "path", where);
  if (!is_safe_path(file.path)) {
    throw HubError(where + ": lists a file with the name " + show(json(file.path)) +
                   ", which could lead out of the cache; refused");
  }
  const auto lfs = entry.find("lfs");
  if (lfs != entry.end() && lfs->is_object()) {
    file.size = get_size(*lfs, where + ": " + file.path);
    file.hash = get_hash(*lfs, 64, where + ": " + file.path);
  } else {
    file.size = get_size(entry, where + ": " + file.path);
    file.hash = get_hash(entry, 40, where + ": " + file.path);
  }
  return file;
}

}  // namespace

std::string parse_commit(std::string_view text, const std::string& where) {
  const json answer = parse(text, where);
  if (!answer.is_object()) {
    throw HubError(where + ": the answer must be an object, not " + show(answer));
  }
  const std::string commit = get_string(answer, "sha", where);
  if (!is_commit(commit)) {
    throw HubError(where + ": answers with the commit " + show(json(commit)) + ", which is none");
  }
  return commit;
}

std::vector<RemoteFile> parse_tree(std::string_view text, const std::string& where) {
  const json answer = parse(text, where);
  if (!answer.is_array()) {
    throw HubError(where + ": the answer must be a list, not " + show(answer));
  }
  std::vector<RemoteFile> files;
  for (const json& entry : answer) {
    if (!entry.is_object()) {
      throw HubError(where + ": lists " + show(entry) + ", which is no file");
    }
    if (get_string(entry, "type", where) == "file") {
      files.push_back(parse_file(entry, where));
    }
  }
  return files;
}

std::string parse_next_page(std::string_view link) {
  // The format: <ADDRESS>; rel="next", <ADDRESS>; rel="last".
  while (!link.empty()) {
    const std::size_t begin = link.find('<');
    const std::size_t end = begin == std::string_view::npos ? begin : link.find('>', begin);
    if (end == std::string_view::npos) {
      return "";
    }
    const std::string_view address = link.substr(begin + 1, end - begin - 1);
    const std::size_t next = std::min(link.find('<', end), link.size());
    const std::string_view parameters = link.substr(end, next - end);
    if (parameters.find("rel=\"next\"") != std::string_view::npos) {
      return std::string(address);
    }
    link.remove_prefix(next);
  }
  return "";
}

}  // namespace streamdiffusion::hub
