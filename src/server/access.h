#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace streamdiffusion::server {

/// Who may use the server. Pure functions of what a request says.
struct AccessRules {
  std::string token;  ///< empty: none is asked for
  std::vector<std::string>
      allowed_hosts;  ///< names under which the server is reached, beside localhost and addresses
  std::vector<std::string>
      allowed_origins;  ///< pages of other origins that may use it, such as https://example.org
};

/// Whether `Authorization` or the query's token is the right one, in a time that does not tell how much of it
/// is.
bool has_token(const AccessRules& rules, std::string_view authorization, std::string_view query_token);

/// Whether the Host header names this server: localhost, an address, or an allowed name. A foreign page that
/// makes its own name resolve to this machine (DNS rebinding) is told apart by its name.
bool is_allowed_host(const AccessRules& rules, std::string_view host);

/// Whether a page of this origin may use the server: none (no browser), the server's own, or an allowed one.
bool is_allowed_origin(const AccessRules& rules, std::string_view origin, std::string_view host,
                       bool is_secure);

/// Whether `address` is of the loopback network.
bool is_loopback(const std::string& address);

}  // namespace streamdiffusion::server
