#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "server/coroutine_flag.h"

namespace streamdiffusion::server {

using Bytes = std::shared_ptr<const std::vector<std::uint8_t>>;

/// The connections that watch sessions' frames (/stream.mjpg). Each viewer holds the newest frame; a slow one
/// misses some. Not thread-safe.
class Viewers {
 public:
  struct Viewer {
    explicit Viewer(const boost::asio::any_io_executor& executor) : arrived(executor) {}
    Bytes newest;
    CoroutineFlag arrived;
  };

  std::shared_ptr<Viewer> watch(const std::string& session, const boost::asio::any_io_executor& executor);
  [[nodiscard]] bool has_viewers(const std::string& session) const;
  /// Gives an image file to all viewers of the session.
  void show_image(const std::string& session, std::vector<std::uint8_t> image);

 private:
  std::multimap<std::string, std::weak_ptr<Viewer>> viewers_;
};

}  // namespace streamdiffusion::server
