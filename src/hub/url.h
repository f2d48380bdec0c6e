#pragma once

#include <string>
#include <string_view>

namespace streamdiffusion::hub {

/// Percent-encodes all but letters, digits, "-._~" and what `kept` holds.
std::string quote(std::string_view text, std::string_view kept = "");

/// Throws Error where it is no address of a web server.
void check_url(const std::string& url);

/// Where a Location or Link header leads that came with `base`. Throws Error for what is no http address.
std::string resolve_url(const std::string& base, const std::string& location);

/// Scheme, host and port are the same.
bool same_origin(const std::string& a, const std::string& b);

/// Whether the address begins with https.
bool is_https(const std::string& url);

/// The host with its port, for messages.
std::string host_of(const std::string& url);

}  // namespace streamdiffusion::hub
