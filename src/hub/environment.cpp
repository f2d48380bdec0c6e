#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include "hub/expand_path.h"
#include "streamdiffusion/hub.h"

namespace streamdiffusion {
namespace {

namespace fs = std::filesystem;

/// Returns an environment variable, or an empty text if it is not set.
std::string variable(const char* name) {
  const char* const value = std::getenv(name);
  return value != nullptr ? value : "";
}

/// Returns the first of these variables that is not empty.
std::string first_of(std::initializer_list<const char*> names) {
  for (const char* name : names) {
    if (std::string value = variable(name); !value.empty()) {
      return value;
    }
  }
  return "";
}

bool is_true(std::string value) {
  std::ranges::transform(value, value.begin(),
                         [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
  return value == "1" || value == "ON" || value == "YES" || value == "TRUE";
}

fs::path hugging_face_home() {
  if (const std::string home = variable("HF_HOME"); !home.empty()) {
    return hub::expand_path(home);
  }
  const std::string cache = variable("XDG_CACHE_HOME");
  return hub::expand_path(cache.empty() ? "~/.cache" : cache) / "huggingface";
}

fs::path cache_folder(const fs::path& home) {
  const std::string cache = first_of({"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"});
  return cache.empty() ? home / "hub" : hub::expand_path(cache);
}

/// Removes all white space: tokens have none, but token files end with a line break.
std::string remove_white_space(std::string text) {
  std::erase_if(text, [](char c) { return static_cast<unsigned char>(c) <= ' '; });
  return text;
}

std::string read_token(const fs::path& home) {
  if (is_true(variable("HF_HUB_DISABLE_IMPLICIT_TOKEN"))) {
    return "";
  }
  const std::string token = remove_white_space(first_of({"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"}));
  if (!token.empty()) {
    return token;
  }
  const std::string file = variable("HF_TOKEN_PATH");
  std::ifstream in(file.empty() ? home / "token" : hub::expand_path(file), std::ios::binary);
  return remove_white_space({std::istreambuf_iterator<char>(in), {}});
}

}  // namespace

HubOptions HubOptions::from_environment() {
  HubOptions options;
  if (std::string endpoint = variable("HF_ENDPOINT"); !endpoint.empty()) {
    endpoint.erase(endpoint.find_last_not_of('/') + 1);
    options.endpoint = endpoint;
  }
  const fs::path home = hugging_face_home();
  options.cache = cache_folder(home);
  options.token = read_token(home);
  options.offline = is_true(first_of({"HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"}));
  return options;
}

}  // namespace streamdiffusion
