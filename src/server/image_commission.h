#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "server/images_request.h"
#include "server/outbox.h"
#include "server/places.h"
#include "server/server_context.h"

namespace streamdiffusion::server {

/// A place among the sessions, and the session on it that an order's pictures come from. It ends with this.
class ImageCommission {
 public:
  using Picture = std::vector<std::uint8_t>;

  /// `executor`: the network's. Throws Refused where no place is left.
  ImageCommission(ServerContext& server, const boost::asio::any_io_executor& executor,
                  const std::string& address);
  ~ImageCommission();
  ImageCommission(const ImageCommission&) = delete;
  ImageCommission& operator=(const ImageCommission&) = delete;

  /// The pictures of the order, in order. Throws Refused. Called once.
  boost::asio::awaitable<std::vector<Picture>> make(const Order& order);

 private:
  boost::asio::awaitable<void> wait_for_place();
  void begin(const Order& order);
  boost::asio::awaitable<std::vector<Picture>> collect(int count);

  ServerContext& server_;
  std::shared_ptr<Outbox> outbox_;
  std::unique_ptr<Places::Ticket> ticket_;
  std::shared_ptr<Session> session_;
};

}  // namespace streamdiffusion::server
