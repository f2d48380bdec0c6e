#include <boost/beast/core/detail/base64.hpp>
#include <chrono>
#include <utility>
#include <vector>

#include "server/http.h"
#include "server/image_commission.h"
#include "server/images_form.h"
#include "server/images_plan.h"
#include "server/images_request.h"
#include "server/server_sent_events.h"

namespace streamdiffusion::server {

namespace {

namespace asio = boost::asio;
using Json = nlohmann::json;
using Picture = ImageCommission::Picture;

std::string base64(const Picture& bytes) {
  namespace codec = boost::beast::detail::base64;
  std::string text(codec::encoded_size(bytes.size()), '\0');
  text.resize(codec::encode(text.data(), bytes.data(), bytes.size()));
  return text;
}

std::int64_t unix_time() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::seconds>(now).count();
}

Order read_request(const Request& request) {
  if (!is_edit(path_of(request))) {
    return read_order(parse_body(request.body()));
  }
  const auto type = request[boost::beast::http::field::content_type];
  ImagesForm form = read_images_form({type.data(), type.size()}, request.body());
  return read_edit_order(form.fields, std::move(form.images));
}

std::vector<Drawing> plan(const Order& order, const ImageCommission& commission) {
  return plan_drawings(commission.settings(), order.inputs.size(), order.count, order.partial_images);
}

asio::awaitable<Picture> draw(const Drawing& drawing, const Order& order, ImageCommission& commission) {
  Picture input;
  if (drawing.input) {
    input = order.inputs.at(*drawing.input);
  }
  co_return co_await commission.draw(drawing, std::move(input));
}

// ---- All images in one answer

Json describe(const std::vector<Picture>& pictures, const Order& order, const std::string& size) {
  Json data = Json::array();
  for (const Picture& picture : pictures) {
    const std::string text = base64(picture);
    data.push_back(order.as_url ? Json{{"url", "data:image/" + order.format + ";base64," + text}}
                                : Json{{"b64_json", text}});
  }
  return {{"created", unix_time()},
          {"background", "opaque"},
          {"output_format", order.format},
          {"size", size},
          {"data", std::move(data)}};
}

asio::awaitable<std::vector<Picture>> make_pictures(const Order& order, ImageCommission& commission) {
  if (order.inputs.empty()) {
    co_return co_await commission.draw_together(order.count);
  }
  std::vector<Picture> pictures;
  for (const Drawing& drawing : plan(order, commission)) {
    Picture picture = co_await draw(drawing, order, commission);
    pictures.push_back(std::move(picture));
  }
  co_return pictures;
}

// ---- An answer as a stream of events

/// The token counts that OpenAI's clients expect. This server counts none.
Json no_usage() {
  return {{"input_tokens", 0},
          {"input_tokens_details", {{"image_tokens", 0}, {"text_tokens", 0}}},
          {"output_tokens", 0},
          {"total_tokens", 0}};
}

Json make_picture_event(const Drawing& drawing, const Picture& picture, const Order& order,
                        const std::string& size) {
  const std::string kind = drawing.input ? "image_edit" : "image_generation";
  Json event = {{"type", kind + (drawing.partial ? ".partial_image" : ".completed")},
                {"b64_json", base64(picture)},
                {"created_at", unix_time()},
                {"size", size},
                {"quality", "auto"},
                {"background", "opaque"},
                {"output_format", order.format}};
  if (drawing.partial) {
    event["partial_image_index"] = *drawing.partial;
  } else {
    event["usage"] = no_usage();
  }
  return event;
}

asio::awaitable<void> send_pictures(const Order& order, ImageCommission& commission, EventStream& events) {
  for (const Drawing& drawing : plan(order, commission)) {
    const Picture picture = co_await draw(drawing, order, commission);
    const Json event = make_picture_event(drawing, picture, order, commission.size());
    co_await events.send(event);
  }
  co_await events.end();
}

Response refuse(const Request& request, const Refused& refused) {
  Response response = make_error_response(request, refused.status(), refused.what(), refused.param());
  if (refused.status() == Status::too_many_requests || refused.status() == Status::service_unavailable) {
    response.set(boost::beast::http::field::retry_after, "5");
  }
  return response;
}

}  // namespace

bool is_edit(const std::string& path) { return path == "/v1/images/edits"; }

bool makes_images(const std::string& path) { return path == "/v1/images/generations" || is_edit(path); }

asio::awaitable<std::optional<Response>> make_images(Socket& socket, const Request& request,
                                                     std::string address, ServerContext& server) {
  EventStream events(socket, request, server);
  std::optional<Response> response;
  try {
    const Order order = read_request(request);
    ImageCommission commission(server, socket.get_executor(), address);
    co_await commission.begin(order);
    if (order.is_streamed) {
      co_await send_pictures(order, commission, events);
      co_return std::nullopt;
    }
    const std::vector<Picture> pictures = co_await make_pictures(order, commission);
    response = make_json(request, Status::ok, describe(pictures, order, commission.size()));
  } catch (const Refused& refused) {
    response = refuse(request, refused);
  }
  if (events.has_begun()) {  // The status line is already sent, so the error goes out as an event.
    Json error = Json::parse(response->body());
    error["type"] = "error";
    co_await events.send(error);
    co_await events.end();
    co_return std::nullopt;
  }
  co_return response;
}

}  // namespace streamdiffusion::server
