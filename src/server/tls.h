#pragma once

#include <boost/asio/ssl/context.hpp>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace streamdiffusion::server {

/// Throws Error where certificate (PEM, with its chain) or key cannot be read, or do not belong together.
std::unique_ptr<boost::asio::ssl::context> load_certificate(const std::filesystem::path& certificate,
                                                            const std::filesystem::path& key);

/// A certificate for these names and addresses, made now and valid for a year, that nobody has signed but
/// itself: browsers warn of it once.
std::unique_ptr<boost::asio::ssl::context> make_self_signed(const std::vector<std::string>& names);

}  // namespace streamdiffusion::server
