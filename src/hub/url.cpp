#include "hub/url.h"

#include <curl/curl.h>

#include <algorithm>
#include <memory>

#include "core/free_with.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion::hub {
namespace {

using Url = std::unique_ptr<CURLU, FreeWith<curl_url_cleanup>>;

Url parse(const std::string& text) {
  Url url(curl_url());
  if (curl_url_set(url.get(), CURLUPART_URL, text.c_str(), 0) != CURLUE_OK) {
    throw HubError("\"" + text + "\" is no address of a web server, such as https://huggingface.co");
  }
  return url;
}

std::string get_part(const Url& url, CURLUPart what) {
  char* text = nullptr;
  // Without flags, a whole URL stays as it was written: it may be signed.
  const unsigned int flags = what == CURLUPART_PORT ? CURLU_DEFAULT_PORT : 0U;
  if (curl_url_get(url.get(), what, &text, flags) != CURLUE_OK) {
    return "";
  }
  const std::unique_ptr<char, FreeWith<curl_free>> owner(text);
  return text;
}

std::string origin(const std::string& text) {
  const Url url = parse(text);
  std::string host = get_part(url, CURLUPART_HOST);
  std::ranges::transform(host, host.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return get_part(url, CURLUPART_SCHEME) + "://" + host + ":" + get_part(url, CURLUPART_PORT);
}

}  // namespace

std::string quote(std::string_view text, std::string_view kept) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string quoted;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::string_view("-._~").find(c) != std::string_view::npos;
    if (plain || kept.find(c) != std::string_view::npos) {
      quoted += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      quoted += '%';
      quoted += kDigits[byte >> 4U];
      quoted += kDigits[byte & 15U];
    }
  }
  return quoted;
}

void check_url(const std::string& url) {
  const std::string scheme = get_part(parse(url), CURLUPART_SCHEME);
  if (scheme != "http" && scheme != "https") {
    throw HubError("\"" + url + "\" begins with neither https:// nor http://");
  }
}

std::string resolve_url(const std::string& base, const std::string& location) {
  const Url url = parse(base);
  if (curl_url_set(url.get(), CURLUPART_URL, location.c_str(), 0) != CURLUE_OK) {
    throw HubError(host_of(base) + ": leads on to \"" + location + "\", which is no address");
  }
  const std::string scheme = get_part(url, CURLUPART_SCHEME);
  if (scheme != "http" && scheme != "https") {
    throw HubError(host_of(base) + ": leads on to \"" + location + "\", which is no web address; refused");
  }
  return get_part(url, CURLUPART_URL);
}

bool has_same_origin(const std::string& a, const std::string& b) { return origin(a) == origin(b); }

bool is_https(const std::string& url) { return get_part(parse(url), CURLUPART_SCHEME) == "https"; }

std::string host_of(const std::string& url) {
  const Url parsed = parse(url);
  const std::string port = get_part(parsed, CURLUPART_PORT);
  return get_part(parsed, CURLUPART_HOST) + (port == "443" || port == "80" ? "" : ":" + port);
}

}  // namespace streamdiffusion::hub
