#include "server/image_commission.h"

#include <chrono>
#include <optional>
#include <utility>
#include <variant>

#include "server/random_name.h"

namespace streamdiffusion::server {

namespace {

namespace asio = boost::asio;
using Json = nlohmann::json;

constexpr std::chrono::seconds kPatience{300};
constexpr std::chrono::milliseconds kTick{500};

/// Throws Refused for an `error` message.
void check_message(const std::string& text) {
  const Json message = Json::parse(text);
  if (message["type"] != "error") {
    return;
  }
  const std::string code = message["code"];
  const Status status = code == "internal" ? Status::internal_server_error
                        : code == "model"  ? Status::service_unavailable
                                           : Status::bad_request;
  throw Refused(status, message["message"], message.value("field", ""));
}

}  // namespace

ImageCommission::ImageCommission(ServerContext& server, const asio::any_io_executor& executor,
                                 const std::string& address)
    : server_(server), outbox_(std::make_shared<Outbox>(executor)) {
  ticket_ = server.places.enter(address, [outbox = outbox_] { outbox->wake(); });
  if (!ticket_) {
    throw Refused(Status::too_many_requests, "no place is left, in the queue neither; try again later");
  }
}

ImageCommission::~ImageCommission() {
  if (session_) {
    server_.engine.close(session_);
  }
}

asio::awaitable<std::vector<ImageCommission::Picture>> ImageCommission::make(const Order& order) {
  co_await wait_for_place();
  begin(order);
  co_return co_await collect(order.count);
}

asio::awaitable<void> ImageCommission::wait_for_place() {
  const Clock::time_point until = Clock::now() + kPatience;
  while (ticket_->position() > 0) {
    if (server_.stopping || Clock::now() > until) {
      throw Refused(Status::service_unavailable, "no place was left in time; try again later");
    }
    co_await outbox_->wait(kTick);
  }
}

void ImageCommission::begin(const Order& order) {
  session_ = server_.engine.open(random_name(), server_.engine.default_stream(), outbox_);
  server_.engine.request(session_,
                         {.type = ClientMessage::Type::stream, .id = nullptr, .fields = order.stream});
  server_.engine.request(session_,
                         {.type = ClientMessage::Type::settings, .id = nullptr, .fields = order.settings});
  for (int i = 0; i < order.count; ++i) {
    const auto number = static_cast<std::uint16_t>(i);
    server_.engine.frame(session_, {.variation = number, .number = number}, {});
  }
}

asio::awaitable<std::vector<ImageCommission::Picture>> ImageCommission::collect(int count) {
  std::vector<Picture> pictures(static_cast<std::size_t>(count));
  const Clock::time_point until = Clock::now() + kPatience;
  for (int missing = count; missing > 0;) {
    std::optional<Outbox::Item> item = outbox_->take();
    if (!item) {
      if (server_.stopping || Clock::now() > until) {
        throw Refused(Status::service_unavailable, "the pictures were not made in time");
      }
      co_await outbox_->wait(kTick);
      continue;
    }
    if (const auto* text = std::get_if<std::string>(&*item)) {
      check_message(*text);
      continue;
    }
    auto& answer = std::get<FrameAnswer>(*item);
    if (answer.state != FrameState::picture) {
      throw Refused(Status::internal_server_error, "a picture was lost");
    }
    pictures.at(answer.tag.number) = std::move(answer.picture);
    --missing;
  }
  co_return pictures;
}

}  // namespace streamdiffusion::server
