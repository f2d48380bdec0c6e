#include <boost/beast/core/detail/base64.hpp>
#include <charconv>
#include <chrono>
#include <vector>

#include "control/settings_json.h"
#include "server/http.h"
#include "server/outbox.h"
#include "server/random_name.h"

namespace streamdiffusion::server {

namespace {

namespace asio = boost::asio;
using Json = nlohmann::json;

constexpr int kMostPictures = 10;
constexpr std::chrono::seconds kPatience{300};
constexpr std::chrono::milliseconds kTick{500};

/// What a request asks for, in the words of the protocol.
struct Order {
  Json stream = Json::object();
  Json settings = Json::object();
  int count = 1;
  bool as_url = false;
  std::string format = "png";
};

/// A request that is answered with an error.
class Refused : public Error {
 public:
  Refused(Status status, const std::string& message, std::string param = {})
      : Error(message), status_(status), param_(std::move(param)) {}
  [[nodiscard]] Status status() const { return status_; }
  [[nodiscard]] const std::string& param() const { return param_; }

 private:
  Status status_;
  std::string param_;
};

Refused wrong(const std::string& param, const std::string& message) {
  return {Status::bad_request, "'" + param + "' " + message, param};
}

void set_size(const Json& value, Order& order) {
  const std::string text = value.is_string() ? value.get<std::string>() : "";
  if (text == "auto") {
    return;
  }
  int width = 0;
  int height = 0;
  const char* const end = text.data() + text.size();
  const auto first = std::from_chars(text.data(), end, width);
  const bool cross = first.ec == std::errc() && first.ptr != end && *first.ptr == 'x';
  const auto second = cross ? std::from_chars(first.ptr + 1, end, height) : first;
  if (!cross || second.ec != std::errc() || second.ptr != end) {
    throw wrong("size", "must be like 256x256, or auto");
  }
  order.stream["width"] = width;
  order.stream["height"] = height;
}

std::string one_of(const std::string& param, const Json& value, const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) {
    if (value == name) {
      return name;
    }
    text += (text.empty() ? "" : ", ") + name;
  }
  throw wrong(param, "must be one of " + text);
}

/// Of OpenAI's parameters that mean nothing here.
bool is_ignored(const std::string& name) {
  return name == "user" || name == "quality" || name == "style" || name == "background" ||
         name == "moderation";
}

void read_field(const std::string& name, const Json& value, Order& order) {
  if (value.is_null() || is_ignored(name)) {
    return;
  }
  if (name == "n") {
    if (!value.is_number_integer() || value < 1 || value > kMostPictures) {
      throw wrong("n", "must be a whole number from 1 to " + std::to_string(kMostPictures));
    }
    order.count = value;
  } else if (name == "size") {
    set_size(value, order);
  } else if (name == "response_format") {
    order.as_url = one_of(name, value, {"url", "b64_json"}) == "url";
  } else if (name == "output_format") {
    order.format = one_of(name, value, {"png", "jpeg", "webp"});
  } else if (name == "output_compression") {
    order.stream["quality"] = value;
  } else if (name == "model") {
    order.stream["model"] = value;
  } else {  // the settings of docs/server.md, `prompt` first of all
    order.settings[name] = value;
  }
}

Order read_order(const std::string& body) {
  Json json;
  try {
    json = Json::parse(body);
  } catch (const Json::exception& error) {
    throw Refused(Status::bad_request, std::string("the body is no JSON: ") + error.what());
  }
  if (!json.is_object()) {
    throw Refused(Status::bad_request, "the body must be a JSON object");
  }
  if (!json.contains("prompt") || !json["prompt"].is_string() ||
      json["prompt"].get_ref<const std::string&>().empty()) {
    throw wrong("prompt", "must be a text that is not empty");
  }
  Order order;
  order.settings["seed"] = -1;  // another picture each time, as such APIs do
  for (const auto& [name, value] : json.items()) {
    read_field(name, value, order);
  }
  order.stream["format"] = order.format;
  return order;
}

std::string base64(const std::vector<std::uint8_t>& bytes) {
  namespace codec = boost::beast::detail::base64;
  std::string text(codec::encoded_size(bytes.size()), '\0');
  text.resize(codec::encode(text.data(), bytes.data(), bytes.size()));
  return text;
}

/// The session that the pictures come from; it ends with this.
class Commission {
 public:
  Commission(ServerContext& server, std::shared_ptr<Outbox> outbox, const Order& order)
      : server_(server),
        session_(server.engine.open(random_name(), server.engine.default_stream(), std::move(outbox))) {
    server_.engine.request(session_,
                           {.type = ClientMessage::Type::stream, .id = nullptr, .fields = order.stream});
    server_.engine.request(session_,
                           {.type = ClientMessage::Type::settings, .id = nullptr, .fields = order.settings});
    for (int i = 0; i < order.count; ++i) {
      const auto number = static_cast<std::uint16_t>(i);
      server_.engine.frame(session_, {.variation = number, .number = number}, {});
    }
  }
  ~Commission() { server_.engine.close(session_); }
  Commission(const Commission&) = delete;
  Commission& operator=(const Commission&) = delete;

 private:
  ServerContext& server_;
  std::shared_ptr<Session> session_;
};

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

asio::awaitable<void> wait_for_place(const Places::Ticket& ticket, Outbox& outbox,
                                     const ServerContext& server) {
  const Clock::time_point until = Clock::now() + kPatience;
  while (ticket.position() > 0) {
    if (server.stopping || Clock::now() > until) {
      throw Refused(Status::service_unavailable, "no place was left in time; try again later");
    }
    co_await outbox.wait(kTick);
  }
}

asio::awaitable<std::vector<std::vector<std::uint8_t>>> collect(int count, Outbox& outbox,
                                                                const ServerContext& server) {
  std::vector<std::vector<std::uint8_t>> pictures(static_cast<std::size_t>(count));
  const Clock::time_point until = Clock::now() + kPatience;
  for (int missing = count; missing > 0;) {
    std::optional<Outbox::Item> item = outbox.take();
    if (!item) {
      if (server.stopping || Clock::now() > until) {
        throw Refused(Status::service_unavailable, "the pictures were not made in time");
      }
      co_await outbox.wait(kTick);
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

Json describe(const std::vector<std::vector<std::uint8_t>>& pictures, const Order& order) {
  Json data = Json::array();
  for (const std::vector<std::uint8_t>& picture : pictures) {
    const std::string text = base64(picture);
    data.push_back(order.as_url ? Json{{"url", "data:image/" + order.format + ";base64," + text}}
                                : Json{{"b64_json", text}});
  }
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return {{"created", std::chrono::duration_cast<std::chrono::seconds>(now).count()},
          {"output_format", order.format},
          {"data", std::move(data)}};
}

asio::awaitable<Json> make(const Order& order, Socket& socket, const std::string& address,
                           ServerContext& server) {
  const auto outbox = std::make_shared<Outbox>(socket.get_executor());
  const std::unique_ptr<Places::Ticket> ticket = server.places.enter(address, [outbox] { outbox->wake(); });
  if (!ticket) {
    throw Refused(Status::too_many_requests, "no place is left, in the queue neither; try again later");
  }
  co_await wait_for_place(*ticket, *outbox, server);
  const Commission commission(server, outbox, order);
  const std::vector<std::vector<std::uint8_t>> pictures = co_await collect(order.count, *outbox, server);
  co_return describe(pictures, order);
}

}  // namespace

asio::awaitable<Response> generate_images(Socket& socket, const Request& request, std::string address,
                                          ServerContext& server) {
  std::optional<Response> response;
  try {
    const Order order = read_order(request.body());
    const Json json = co_await make(order, socket, address, server);
    response = make_json(request, Status::ok, json);
  } catch (const Refused& refused) {
    response = make_error_response(request, refused.status(), refused.what(), refused.param());
    if (refused.status() == Status::too_many_requests || refused.status() == Status::service_unavailable) {
      response->set(boost::beast::http::field::retry_after, "5");
    }
  }
  co_return std::move(*response);
}

}  // namespace streamdiffusion::server
