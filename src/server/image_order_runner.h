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
#include "server/server_context.h"
#include "server/session_slots.h"

namespace streamdiffusion::server {

/// Makes the images of one order on a session of its own. It takes a session slot, or waits in the queue for
/// one, and frees it at its end. All methods throw RefusedRequest.
class ImageOrderRunner {
 public:
  using ImageFile = std::vector<std::uint8_t>;

  /// `executor` is the network thread's, `address` the client's IP address.
  ImageOrderRunner(ServerContext& server, const boost::asio::any_io_executor& executor,
                   const std::string& address);
  ~ImageOrderRunner();
  ImageOrderRunner(const ImageOrderRunner&) = delete;
  ImageOrderRunner& operator=(const ImageOrderRunner&) = delete;

  /// Waits for a session slot and then until the order's settings are in effect.
  boost::asio::awaitable<void> begin(const Order& order);
  /// The images' size as WIDTHxHEIGHT. Valid after `begin`.
  [[nodiscard]] const std::string& size() const { return size_; }
  /// The session's settings. Valid after `begin`.
  [[nodiscard]] const Settings& settings() const { return settings_; }

  /// Makes text-to-image files with variations 0 to `count` - 1, computed as one batch where possible.
  boost::asio::awaitable<std::vector<ImageFile>> make_text_images(int count);
  /// Makes one image file of a plan. `input` is the image file to transform; empty for text to image. `mask`
  /// is the image file whose transparent areas are redrawn; empty: the whole input is.
  boost::asio::awaitable<ImageFile> make_image(const PlannedImage& planned, ImageFile input, ImageFile mask);

 private:
  boost::asio::awaitable<void> wait_for_slot();
  boost::asio::awaitable<nlohmann::json> change(ClientMessage::Type type, nlohmann::json fields);
  boost::asio::awaitable<FrameAnswer> receive_image();
  boost::asio::awaitable<Outbox::Item> receive();

  ServerContext& server_;
  std::shared_ptr<Outbox> outbox_;
  std::unique_ptr<SessionSlots::Ticket> ticket_;
  std::shared_ptr<Session> session_;
  std::string size_;
  Settings settings_;
};

}  // namespace streamdiffusion::server
