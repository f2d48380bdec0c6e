#pragma once

#include <string>
#include <vector>

#include "hub/http.h"
#include "hub/listing.h"
#include "hub/repository.h"
#include "hub/retry.h"
#include "streamdiffusion/hub.h"

namespace streamdiffusion::hub {

/// The hub was not reached or is out of order; what the cache holds may do instead.
class Unreachable : public Error {
 public:
  using Error::Error;
};

/// What is asked of the hub about a repository, with messages for people where it refuses.
class HubApi {
 public:
  /// `attempts`: how often it asks before Unreachable.
  HubApi(const HubOptions& options, int attempts);

  /// The commit that the repository's revision is at.
  std::string commit(const Repository& repository);
  /// All files at a commit.
  std::vector<RemoteFile> files(const Repository& repository, const std::string& commit);

 private:
  struct Answer {
    HttpHead head;
    std::string body;
  };
  Answer ask(const std::string& url, const Repository& repository);

  const HubOptions& options_;
  HttpClient client_;
  Retry retry_;
};

/// Throws what the status of an answer means: Unavailable where trying again may help, else Error with what
/// to do. Comes back for 2xx and 3xx.
void check_status(const HttpHead& head, const std::string& url, const Repository& repository,
                  const HubOptions& options);

/// The address of a file at a commit.
std::string file_url(const HubOptions& options, const Repository& repository, const std::string& commit,
                     const std::string& path);

/// GET that follows redirects. The token stays with the hub, and https is not left for http.
HttpHead get_following(HttpClient& client, std::string url, std::int64_t offset,
                       const std::function<BodySink(const HttpHead&)>& begin,
                       const std::function<void(const HttpHead&)>& on_redirect);

}  // namespace streamdiffusion::hub
