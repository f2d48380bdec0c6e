#include "server/image_order_runner.h"

#include <chrono>
#include <optional>
#include <utility>
#include <variant>

#include "control/settings_json.h"
#include "server/random_name.h"
#include "server/time_limits.h"

namespace streamdiffusion::server {

namespace {

namespace asio = boost::asio;
using Json = nlohmann::json;

constexpr std::chrono::seconds kImagePatience{300};
constexpr int kChangeId = 1;

/// Parses a message of the engine. Throws RefusedRequest if it is an `error`.
Json read_message(const std::string& text) {
  Json message = Json::parse(text);
  if (message["type"] != "error") {
    return message;
  }
  const std::string code = message["code"];
  const Status status = code == "internal" ? Status::internal_server_error
                        : code == "model"  ? Status::service_unavailable
                                           : Status::bad_request;
  throw RefusedRequest(status, message["message"], message.value("field", ""));
}

}  // namespace

ImageOrderRunner::ImageOrderRunner(ServerContext& server, const asio::any_io_executor& executor,
                                   const std::string& address)
    : server_(server), outbox_(std::make_shared<Outbox>(executor)) {
  ticket_ = server.slots.take_ticket(address, [outbox = outbox_] { outbox->wake(); });
  if (!ticket_) {
    throw RefusedRequest(Status::too_many_requests,
                         "all session slots and the queue are full; try again later");
  }
}

ImageOrderRunner::~ImageOrderRunner() {
  if (session_) {
    server_.engine.close(session_);
  }
}

asio::awaitable<void> ImageOrderRunner::begin(const Order& order) {
  co_await wait_for_slot();
  session_ = server_.engine.open(random_name(), server_.engine.default_stream(), outbox_);
  const Json stream = co_await change(ClientMessage::Type::stream, order.stream);
  size_ = std::to_string(stream["stream"]["width"].get<int>()) + "x" +
          std::to_string(stream["stream"]["height"].get<int>());
  settings_ = server_.engine.default_settings(stream["stream"]["model"]);
  const Json settings = co_await change(ClientMessage::Type::settings, order.settings);
  apply_json(settings["settings"], settings_);
}

asio::awaitable<void> ImageOrderRunner::wait_for_slot() {
  const Clock::time_point until = Clock::now() + kImagePatience;
  while (ticket_->position() > 0) {
    if (server_.stopping || Clock::now() > until) {
      throw RefusedRequest(Status::service_unavailable,
                           "no session slot became free in time; try again later");
    }
    co_await outbox_->wait(kStopInterval);
  }
}

/// Requests a change and waits until it is in effect. Returns the engine's answer.
asio::awaitable<Json> ImageOrderRunner::change(ClientMessage::Type type, Json fields) {
  server_.engine.queue_request(session_, {.type = type, .id = kChangeId, .fields = std::move(fields)});
  while (true) {
    const Outbox::Item item = co_await receive();
    if (const auto* text = std::get_if<std::string>(&item)) {
      Json message = read_message(*text);
      if (message.contains("id")) {
        co_return message;
      }
    }
  }
}

asio::awaitable<std::vector<ImageOrderRunner::ImageFile>> ImageOrderRunner::make_text_images(int count) {
  for (int i = 0; i < count; ++i) {
    const auto number = static_cast<std::uint16_t>(i);
    server_.engine.queue_frame(session_, {.variation = number, .number = number}, {});
  }
  std::vector<ImageFile> images(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) {
    FrameAnswer answer = co_await receive_image();
    images.at(answer.tag.number) = std::move(answer.image);
  }
  co_return images;
}

asio::awaitable<ImageOrderRunner::ImageFile> ImageOrderRunner::make_image(const PlannedImage& planned,
                                                                          ImageFile input, ImageFile mask) {
  if (!planned.settings.empty()) {
    co_await change(ClientMessage::Type::settings, planned.settings);
  }
  server_.engine.queue_frame(session_, {.variation = planned.variation}, std::move(input), std::move(mask));
  FrameAnswer answer = co_await receive_image();
  co_return std::move(answer.image);
}

asio::awaitable<FrameAnswer> ImageOrderRunner::receive_image() {
  while (true) {
    Outbox::Item item = co_await receive();
    if (const auto* text = std::get_if<std::string>(&item)) {
      read_message(*text);
      continue;
    }
    auto& answer = std::get<FrameAnswer>(item);
    if (answer.state == FrameState::unreadable) {
      continue;  // The next item is the error that says why.
    }
    if (answer.state != FrameState::image) {
      throw RefusedRequest(Status::internal_server_error, "an image was lost");
    }
    co_return std::move(answer);
  }
}

/// Waits for the next message or answer of the session. Throws RefusedRequest after kImagePatience, or if the
/// server stops.
asio::awaitable<Outbox::Item> ImageOrderRunner::receive() {
  const Clock::time_point until = Clock::now() + kImagePatience;
  while (true) {
    if (std::optional<Outbox::Item> item = outbox_->take()) {
      co_return std::move(*item);
    }
    if (server_.stopping || Clock::now() > until) {
      throw RefusedRequest(Status::service_unavailable, "the images were not made in time");
    }
    co_await outbox_->wait(kStopInterval);
  }
}

}  // namespace streamdiffusion::server
