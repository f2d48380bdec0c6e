#pragma once

#include <string>
#include <string_view>

namespace streamdiffusion::hub {

/// Percent-encodes all characters except letters, digits, "-._~" and those in `kept`.
std::string quote(std::string_view text, std::string_view kept = "");

/// Throws Error if this is no URL of a web server.
void check_url(const std::string& url);

/// Resolves a Location or Link header of the response from `base`. Throws Error if the result is no http or
/// https URL.
std::string resolve_url(const std::string& base, const std::string& location);

/// True if scheme, host and port are equal. Throws Error for an invalid URL.
bool has_same_origin(const std::string& a, const std::string& b);

/// True if the URL's scheme is https. Throws Error for an invalid URL.
bool is_https(const std::string& url);

/// Returns the host, with its port unless that is 80 or 443, for messages.
std::string host_of(const std::string& url);

}  // namespace streamdiffusion::hub
