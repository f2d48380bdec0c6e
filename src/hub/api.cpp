#include "hub/api.h"

#include "hub/url.h"

namespace streamdiffusion::hub {
namespace {

constexpr int kMostRedirects = 10;
// Bytes of a response. A page of a thousand files takes a tenth of it.
constexpr std::size_t kLargestAnswer = std::size_t{4} << 20U;
constexpr int kMostPages = 100;  // of up to a thousand files each

std::string api_url(const HubOptions& options, const Repository& repository) {
  return options.endpoint + "/api/models/" + repository.id();
}

std::string login_advice(const HubOptions& options) {
  return options.token.empty()
             ? "set HF_TOKEN to a token that may read it, or log in with Python's `hf auth login`"
             : "the token that is used (HF_TOKEN, or that of `hf auth login`) may not read it";
}

[[noreturn]] void throw_refused(const HttpHead& head, const Repository& repository,
                                const HubOptions& options) {
  if (head.error_code == "GatedRepo") {
    throw HubError(repository.id() + ": its owner asks for agreement: accept the conditions at " +
                   options.endpoint + "/" + repository.id() + ", and " + login_advice(options));
  }
  throw HubError(
      repository.id() + ": the hub gives no access (" + std::to_string(head.status) +
      "): there is no such model, nor a folder of that name here, or it is private; check the name, "
      "and if it is "
      "private: " +
      login_advice(options));
}

[[noreturn]] void throw_missing(const HttpHead& head, const Repository& repository,
                                const HubOptions& options) {
  if (head.error_code == "RevisionNotFound") {
    throw HubError(repository.id() + ": has no branch, tag or commit " + repository.revision);
  }
  if (head.error_code == "EntryNotFound") {
    throw HubError(repository.text() + ": a file that was listed is not there; try again");
  }
  throw HubError(repository.id() + ": " + options.endpoint +
                 " has no such model, nor is there such a folder here; check the name" +
                 (options.token.empty() ? " (a private one needs HF_TOKEN)" : ""));
}

}  // namespace

void check_status(const HttpHead& head, const std::string& url, const Repository& repository,
                  const HubOptions& options) {
  const long status = head.status;
  if (status / 100 == 2 || status / 100 == 3) {
    return;
  }
  const bool of_hub = has_same_origin(url, options.endpoint);
  if (of_hub && (status == 401 || status == 403)) {
    throw_refused(head, repository, options);
  }
  if (of_hub && status == 404) {
    throw_missing(head, repository, options);
  }
  const std::string what = host_of(url) + " answers " + std::to_string(status) +
                           (head.error_message.empty() ? "" : " (" + head.error_message + ")");
  if (status == 429) {
    throw Unavailable(what + ", too many requests" +
                          (options.token.empty() ? " (more are allowed with a token, HF_TOKEN)" : ""),
                      head.retry_after);
  }
  // 401, 403 and 404 from storage servers: their signed URLs expire, and a new redirect brings a new one.
  if (status == 408 || status / 100 == 5 || !of_hub) {
    throw Unavailable(what, head.retry_after);
  }
  throw HubError(repository.id() + ": " + what);
}

std::string file_url(const HubOptions& options, const Repository& repository, const std::string& commit,
                     const std::string& path) {
  return options.endpoint + "/" + repository.id() + "/resolve/" + commit + "/" + quote(path, "/");
}

HttpHead get_following(HttpClient& client, std::string url, std::int64_t offset,
                       const std::function<BodySink(const HttpHead&)>& begin,
                       const std::function<void(const HttpHead&)>& on_redirect) {
  for (int redirects = 0; redirects <= kMostRedirects; ++redirects) {
    HttpHead head = client.get(url, offset, begin);
    if (head.status / 100 != 3 || head.location.empty()) {
      head.location = url;
      return head;
    }
    on_redirect(head);
    const std::string next = resolve_url(url, head.location);
    if (is_https(url) && !is_https(next)) {
      throw HubError(host_of(url) + ": leads on to " + host_of(next) + " without encryption; refused");
    }
    url = next;
  }
  throw HubError(host_of(url) + ": leads on and on; more than " + std::to_string(kMostRedirects) +
                 " redirects");
}

HubApi::HubApi(const HubOptions& options, int attempts)
    : options_(options),
      client_(options.endpoint, options.token, options.stop),
      retry_(attempts, options.stop, options.on_message) {
  check_url(options.endpoint);
}

HubApi::Answer HubApi::request(const std::string& url, const Repository& repository) {
  Answer answer;
  const auto begin = [&](const HttpHead&) -> BodySink {
    answer.body.clear();
    return [&](std::span<const std::byte> bytes) {
      if (answer.body.size() + bytes.size() > kLargestAnswer) {
        throw HubError(host_of(url) + ": its answer is longer than anything the hub sends; refused");
      }
      answer.body.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    };
  };
  const auto attempt = [&] {
    try {
      answer.head = get_following(client_, url, 0, begin, [](const HttpHead&) {});
    } catch (const ConnectionError& error) {
      throw Unavailable(error.what());
    }
    check_status(answer.head, answer.head.location, repository, options_);
  };
  try {
    retry_.run(attempt, [] { return false; });
  } catch (const Unavailable& error) {
    throw Unreachable(error.what());
  }
  return answer;
}

std::string HubApi::query_commit(const Repository& repository) {
  const std::string url = api_url(options_, repository) + "/revision/" + quote(repository.revision);
  return parse_commit(request(url, repository).body, repository.id());
}

std::vector<RemoteFile> HubApi::query_files(const Repository& repository, const std::string& commit) {
  std::vector<RemoteFile> files;
  std::string url = api_url(options_, repository) + "/tree/" + commit + "?recursive=true&expand=false";
  for (int pages = 0; pages < kMostPages; ++pages) {
    const Answer answer = request(url, repository);
    const std::vector<RemoteFile> page = parse_tree(answer.body, repository.id());
    files.insert(files.end(), page.begin(), page.end());
    const std::string next = parse_next_page(answer.head.link);
    if (next.empty()) {
      return files;
    }
    url = resolve_url(url, next);
  }
  throw HubError(repository.id() + ": its list of files does not end; refused");
}

}  // namespace streamdiffusion::hub
