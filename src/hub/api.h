#pragma once

#include <string>
#include <vector>

#include "hub/http.h"
#include "hub/listing.h"
#include "hub/repository.h"
#include "hub/retry.h"
#include "streamdiffusion/hub.h"

namespace streamdiffusion::hub {

/// The hub could not be reached or failed. A copy in the cache may be used instead.
class Unreachable : public Error {
 public:
  using Error::Error;
};

/// Queries to the hub about a repository. Throws Error with advice for the user if the hub refuses.
class HubApi {
 public:
  /// `attempts` is the number of tries before a query throws Unreachable. `options` must outlive this object.
  HubApi(const HubOptions& options, int attempts);

  /// Returns the commit that the repository's revision points to.
  std::string query_commit(const Repository& repository);
  /// Returns all files at a commit.
  std::vector<RemoteFile> query_files(const Repository& repository, const std::string& commit);

 private:
  struct Answer {
    HttpHead head;
    std::string body;
  };
  Answer request(const std::string& url, const Repository& repository);

  const HubOptions& options_;
  HttpClient client_;
  Retry retry_;
};

/// Returns for a status of 2xx or 3xx. Throws Unavailable if trying again may help, else Error with advice.
void check_status(const HttpHead& head, const std::string& url, const Repository& repository,
                  const HubOptions& options);

/// Returns the URL of a file at a commit.
std::string file_url(const HubOptions& options, const Repository& repository, const std::string& commit,
                     const std::string& path);

/// Sends a GET request and follows redirects, each reported to `on_redirect`. The token is sent to the hub
/// only. Throws Error for a redirect from https to http. The result's `location` is the final URL.
HttpHead get_following(HttpClient& client, std::string url, std::int64_t offset,
                       const std::function<BodySink(const HttpHead&)>& begin,
                       const std::function<void(const HttpHead&)>& on_redirect);

}  // namespace streamdiffusion::hub
