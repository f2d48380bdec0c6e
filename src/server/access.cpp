#include "server/access.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <boost/asio/ip/address.hpp>
#include <cctype>

namespace streamdiffusion::server {

namespace {

std::string to_lower(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return result;
}

std::string name_of(std::string_view host) {
  if (host.starts_with('[')) {
    return to_lower(host.substr(1, host.find(']') - 1));
  }
  return to_lower(host.substr(0, host.find(':')));
}

bool are_equal_secrets(std::string_view a, std::string_view b) {
  const auto hash = [](std::string_view text) {
    std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
    SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
    return digest;
  };
  const auto hash_a = hash(a);
  const auto hash_b = hash(b);
  return CRYPTO_memcmp(hash_a.data(), hash_b.data(), hash_a.size()) == 0;
}

bool contains(const std::vector<std::string>& texts, const std::string& text) {
  return std::ranges::any_of(texts, [&](const std::string& one) { return to_lower(one) == text; });
}

}  // namespace

bool has_token(const AccessRules& rules, std::string_view authorization, std::string_view query_token) {
  if (rules.token.empty()) {
    return true;
  }
  constexpr std::string_view kBearer = "bearer ";
  const bool is_bearer = to_lower(authorization.substr(0, kBearer.size())) == kBearer;
  return (is_bearer && are_equal_secrets(authorization.substr(kBearer.size()), rules.token)) ||
         (!query_token.empty() && are_equal_secrets(query_token, rules.token));
}

bool is_allowed_host(const AccessRules& rules, std::string_view host) {
  const std::string name = name_of(host);
  boost::system::error_code no_address;
  boost::asio::ip::make_address(name, no_address);
  return name == "localhost" || (!name.empty() && !no_address) || contains(rules.allowed_hosts, name);
}

bool is_allowed_origin(const AccessRules& rules, std::string_view origin, std::string_view host,
                       bool is_secure) {
  if (origin.empty()) {
    return true;
  }
  const std::string own = (is_secure ? "https://" : "http://") + to_lower(host);
  return to_lower(origin) == own || contains(rules.allowed_origins, to_lower(origin));
}

bool is_loopback(const std::string& address) {
  boost::system::error_code error;
  const auto parsed = boost::asio::ip::make_address(address, error);
  return !error && parsed.is_loopback();
}

}  // namespace streamdiffusion::server
