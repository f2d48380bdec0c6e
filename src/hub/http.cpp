#include "hub/http.h"

#include <curl/curl.h>

#include <algorithm>
#include <charconv>
#include <exception>
#include <string_view>

#include "core/free_with.h"
#include "hub/url.h"
#include "streamdiffusion/hub.h"
#include "streamdiffusion/version.h"

namespace streamdiffusion::hub {
namespace {

constexpr long kConnectSeconds = 15;
constexpr long kStalledSeconds = 30;  // time without a byte after which a connection counts as broken
constexpr std::size_t kLongestHeader = 8192;
// Bytes of an unwanted body, after which the transfer is cancelled.
constexpr std::size_t kMostDropped = std::size_t{1} << 20U;

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(kSpace);
  return begin == std::string_view::npos ? "" : text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

std::string lower(std::string_view text) {
  std::string small(text);
  std::ranges::transform(small, small.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return small;
}

/// Removes the quotes and the weakness mark of an ETag such as W/"abc" or "abc".
std::string plain_etag(std::string_view text) {
  if (text.starts_with("W/")) {
    text.remove_prefix(2);
  }
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') {
    text = text.substr(1, text.size() - 2);
  }
  return std::string(text);
}

/// Returns the text as printable ASCII, shortened, for messages.
std::string printable(std::string_view text) {
  std::string shown(text.substr(0, 300));
  std::ranges::replace_if(
      shown, [](char c) { return c < 0x20 || c > 0x7e; }, '?');
  return shown;
}

/// The state of one request, passed to libcurl's callbacks.
struct Transfer {
  const std::function<BodySink(const HttpHead&)>& begin;
  const std::atomic<bool>* stop;
  HttpHead head;
  BodySink sink;
  bool begun = false;
  std::size_t dropped = 0;
  std::exception_ptr error;
};

/// Exceptions must not pass through libcurl. Stores them, and returns false to end the transfer.
template <typename F>
bool guarded(Transfer& transfer, F&& run) {
  try {
    run();
    return true;
  } catch (...) {
    transfer.error = std::current_exception();
    return false;
  }
}

std::size_t on_header(char* data, std::size_t, std::size_t size, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  const bool fine = guarded(transfer, [&] { read_header({data, size}, transfer.head); });
  return fine ? size : 0;
}

std::size_t on_body(char* data, std::size_t, std::size_t size, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  const bool fine = guarded(transfer, [&] {
    if (transfer.head.status / 100 != 2) {
      transfer.dropped += size;
      return;
    }
    if (!transfer.begun) {
      transfer.begun = true;
      transfer.sink = transfer.begin(transfer.head);
    }
    transfer.sink(std::as_bytes(std::span(data, size)));
  });
  return fine && transfer.dropped < kMostDropped ? size : 0;
}

int on_progress(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  const auto& transfer = *static_cast<Transfer*>(user);
  return transfer.stop != nullptr && *transfer.stop ? 1 : 0;
}

}  // namespace

void read_header(std::string_view line, HttpHead& head) {
  line = trimmed(line.substr(0, kLongestHeader));
  if (line.starts_with("HTTP/")) {  // a new response begins; earlier ones were "100 Continue" or a proxy's
    head = HttpHead{};
    const std::string_view status = trimmed(line.substr(std::min(line.find(' '), line.size())));
    std::from_chars(status.data(), status.data() + status.size(), head.status);
    return;
  }
  const std::size_t colon = std::min(line.find(':'), line.size());
  const std::string name = lower(line.substr(0, colon));
  const std::string_view value = trimmed(line.substr(std::min(colon + 1, line.size())));
  if (name == "location") {
    head.location = value;
  } else if (name == "link") {
    head.link = value;
  } else if (name == "x-linked-etag" || (name == "etag" && head.etag.empty())) {
    head.etag = plain_etag(value);
  } else if (name == "x-error-code") {
    head.error_code = printable(value);
  } else if (name == "x-error-message") {
    head.error_message = printable(value);
  } else if (name == "content-range") {
    head.content_range = value;
  } else if (name == "retry-after") {
    int seconds = 0;
    if (std::from_chars(value.data(), value.data() + value.size(), seconds).ec == std::errc() &&
        seconds >= 0) {
      head.retry_after = std::chrono::seconds(seconds);
    }
  }
}

struct HttpClient::Impl {
  Impl(const std::string& endpoint_, const std::string& token_, const std::atomic<bool>* stop_)
      : endpoint(endpoint_), token(token_), stop(stop_) {}

  std::string endpoint;
  std::string token;
  const std::atomic<bool>* stop;
  std::unique_ptr<CURL, FreeWith<curl_easy_cleanup>> curl{curl_easy_init()};

  template <typename T>
  void set(CURLoption option, T value) const {
    curl_easy_setopt(curl.get(), option, value);
  }

  void prepare(const std::string& url, std::int64_t offset, Transfer& transfer) const {
    curl_easy_reset(curl.get());  // keeps the connection open
    set(CURLOPT_URL, url.c_str());
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_USERAGENT, user_agent().c_str());
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
    set(CURLOPT_LOW_SPEED_LIMIT, 1L);
    set(CURLOPT_LOW_SPEED_TIME, kStalledSeconds);
    set(CURLOPT_BUFFERSIZE, 1L << 18);
    set(CURLOPT_HEADERFUNCTION, &on_header);
    set(CURLOPT_HEADERDATA, &transfer);
    set(CURLOPT_WRITEFUNCTION, &on_body);
    set(CURLOPT_WRITEDATA, &transfer);
    set(CURLOPT_NOPROGRESS, 0L);
    set(CURLOPT_XFERINFOFUNCTION, &on_progress);
    set(CURLOPT_XFERINFODATA, &transfer);
    // Not libcurl's resume option, which fails if a server sends the whole file.
    if (offset > 0) {
      set(CURLOPT_RANGE, (std::to_string(offset) + "-").c_str());
    }
    if (!token.empty() && has_same_origin(url, endpoint)) {
      set(CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
      set(CURLOPT_XOAUTH2_BEARER, token.c_str());
    }
  }

  static const std::string& user_agent() {
    static const std::string agent = "streamdiffusion/" + version();
    return agent;
  }
};

HttpClient::HttpClient(const std::string& endpoint, const std::string& token, const std::atomic<bool>* stop)
    : impl_(std::make_unique<Impl>(endpoint, token, stop)) {
  if (impl_->curl == nullptr) {
    throw HubError("libcurl cannot be set up");
  }
}

HttpClient::~HttpClient() = default;

HttpHead HttpClient::get(const std::string& url, std::int64_t offset,
                         const std::function<BodySink(const HttpHead&)>& begin) {
  Transfer transfer{
      .begin = begin, .stop = impl_->stop, .head = {}, .sink = {}, .begun = false, .dropped = 0, .error = {}};
  impl_->prepare(url, offset, transfer);
  const CURLcode code = curl_easy_perform(impl_->curl.get());
  if (transfer.error) {
    std::rethrow_exception(transfer.error);
  }
  if (code == CURLE_ABORTED_BY_CALLBACK) {
    throw HubStopped(
        "the download was stopped; what has come is kept, and the next download goes on from there");
  }
  // If the server rejects the range (416), the head says so.
  const bool answered = transfer.head.status / 100 > 2;
  if (code != CURLE_OK && !answered) {
    throw ConnectionError(host_of(url) + ": " + curl_easy_strerror(code));
  }
  if (transfer.head.status / 100 == 2 && !transfer.begun) {
    begin(transfer.head);  // an empty body
  }
  return transfer.head;
}

}  // namespace streamdiffusion::hub
