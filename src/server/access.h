#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace streamdiffusion::server {

/// The rules that say who may use the server. The functions below judge a request by its headers and query
/// alone.
struct AccessRules {
  std::string token;  ///< Secret that clients have to send. Empty: none is needed.
  /// Host names that the server answers to, besides localhost and IP addresses.
  std::vector<std::string> allowed_hosts;
  /// Other origins whose pages may use the server, such as https://example.org.
  std::vector<std::string> allowed_origins;
};

/// True if the `Authorization` header or the query's token matches, or if the rules need no token. The
/// comparison takes the same time wherever the first difference is.
bool has_token(const AccessRules& rules, std::string_view authorization, std::string_view query_token);

/// True if the Host header names this server: localhost, an IP address or an allowed name. This stops DNS
/// rebinding, where a foreign page lets its own name resolve to this machine.
bool is_allowed_host(const AccessRules& rules, std::string_view host);

/// True if a page of this origin may use the server. An empty origin (the client is no browser), the server's
/// own and the allowed origins may.
bool is_allowed_origin(const AccessRules& rules, std::string_view origin, std::string_view host,
                       bool is_secure);

/// True if `address` is an IP address of the loopback network.
bool is_loopback(const std::string& address);

}  // namespace streamdiffusion::server
