#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "server/images_plan.h"
#include "server/images_request.h"
#include "server/outbox.h"
#include "server/places.h"
#include "server/server_context.h"

namespace streamdiffusion::server {

/// A place among the sessions, and the session on it that an order's pictures come from. It ends with this.
/// All of its methods throw Refused.
class ImageCommission {
 public:
  using Picture = std::vector<std::uint8_t>;

  /// `executor`: the network's.
  ImageCommission(ServerContext& server, const boost::asio::any_io_executor& executor,
                  const std::string& address);
  ~ImageCommission();
  ImageCommission(const ImageCommission&) = delete;
  ImageCommission& operator=(const ImageCommission&) = delete;

  /// Waits for the place, and until the order's settings are in effect.
  boost::asio::awaitable<void> begin(const Order& order);
  /// The pictures' size as WIDTHxHEIGHT, known once the order has begun.
  [[nodiscard]] const std::string& size() const { return size_; }
  /// The settings in effect when the order has begun.
  [[nodiscard]] const Settings& settings() const { return settings_; }

  /// Text to image: the pictures with variations from 0 on, computed together.
  boost::asio::awaitable<std::vector<Picture>> draw_together(int count);
  /// One picture of a plan. `input`: the file of the image to draw anew; empty for text to image.
  boost::asio::awaitable<Picture> draw(const Drawing& drawing, Picture input);

 private:
  boost::asio::awaitable<void> wait_for_place();
  boost::asio::awaitable<nlohmann::json> change(ClientMessage::Type type, nlohmann::json fields);
  boost::asio::awaitable<FrameAnswer> receive_picture();
  boost::asio::awaitable<Outbox::Item> receive();

  ServerContext& server_;
  std::shared_ptr<Outbox> outbox_;
  std::unique_ptr<Places::Ticket> ticket_;
  std::shared_ptr<Session> session_;
  std::string size_;
  Settings settings_;
};

}  // namespace streamdiffusion::server
