#pragma once

#include <boost/asio/ssl/context.hpp>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace streamdiffusion::server {

/// Loads a PEM certificate with its chain and its PEM key. Throws Error if one cannot be read or they do not
/// match.
std::unique_ptr<boost::asio::ssl::context> load_certificate(const std::filesystem::path& certificate,
                                                            const std::filesystem::path& key);

/// Makes a self-signed certificate for host names and IP addresses, valid for a year. Browsers warn of it.
/// Throws Error.
std::unique_ptr<boost::asio::ssl::context> make_self_signed(const std::vector<std::string>& names);

}  // namespace streamdiffusion::server
