#include <boost/beast/core/detail/base64.hpp>
#include <chrono>
#include <utility>
#include <vector>

#include "server/http.h"
#include "server/image_order_runner.h"
#include "server/images_form.h"
#include "server/images_plan.h"
#include "server/images_request.h"
#include "server/server_sent_events.h"

namespace streamdiffusion::server {

namespace {

namespace asio = boost::asio;
using Json = nlohmann::json;
using ImageFile = ImageOrderRunner::ImageFile;

std::string base64(const ImageFile& bytes) {
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
  Order order = read_edit_order(form.fields, std::move(form.images));
  order.mask = std::move(form.mask);
  return order;
}

std::vector<PlannedImage> plan(const Order& order, const ImageOrderRunner& runner) {
  return plan_images(runner.settings(), order.inputs.size(), order.count, order.partial_images);
}

asio::awaitable<ImageFile> make_image(const PlannedImage& planned, const Order& order,
                                      ImageOrderRunner& runner) {
  ImageFile input;
  ImageFile mask;
  if (planned.input) {
    input = order.inputs.at(*planned.input);
    // As in OpenAI's API, the mask belongs to the first image.
    mask = *planned.input == 0 ? order.mask : ImageFile();
  }
  co_return co_await runner.make_image(planned, std::move(input), std::move(mask));
}

// ---- All images in one answer

Json describe(const std::vector<ImageFile>& images, const Order& order, const std::string& size) {
  Json data = Json::array();
  for (const ImageFile& image : images) {
    const std::string text = base64(image);
    data.push_back(order.as_url ? Json{{"url", "data:image/" + order.format + ";base64," + text}}
                                : Json{{"b64_json", text}});
  }
  return {{"created", unix_time()},
          {"background", "opaque"},
          {"output_format", order.format},
          {"size", size},
          {"data", std::move(data)}};
}

asio::awaitable<std::vector<ImageFile>> make_image_files(const Order& order, ImageOrderRunner& runner) {
  if (order.inputs.empty()) {
    co_return co_await runner.make_text_images(order.count);
  }
  std::vector<ImageFile> images;
  for (const PlannedImage& planned : plan(order, runner)) {
    ImageFile image = co_await make_image(planned, order, runner);
    images.push_back(std::move(image));
  }
  co_return images;
}

// ---- An answer as a stream of events

/// The token counts that OpenAI's clients expect. This server counts none.
Json make_empty_usage() {
  return {{"input_tokens", 0},
          {"input_tokens_details", {{"image_tokens", 0}, {"text_tokens", 0}}},
          {"output_tokens", 0},
          {"total_tokens", 0}};
}

Json make_image_event(const PlannedImage& planned, const ImageFile& image, const Order& order,
                      const std::string& size) {
  const std::string kind = planned.input ? "image_edit" : "image_generation";
  Json event = {{"type", kind + (planned.partial ? ".partial_image" : ".completed")},
                {"b64_json", base64(image)},
                {"created_at", unix_time()},
                {"size", size},
                {"quality", "auto"},
                {"background", "opaque"},
                {"output_format", order.format}};
  if (planned.partial) {
    event["partial_image_index"] = *planned.partial;
  } else {
    event["usage"] = make_empty_usage();
  }
  return event;
}

asio::awaitable<void> send_images(const Order& order, ImageOrderRunner& runner, EventStream& events) {
  for (const PlannedImage& planned : plan(order, runner)) {
    const ImageFile image = co_await make_image(planned, order, runner);
    const Json event = make_image_event(planned, image, order, runner.size());
    co_await events.send(event);
  }
  co_await events.end();
}

Response refuse(const Request& request, const RefusedRequest& refused) {
  Response response = make_error_response(request, refused.status(), refused.what(), refused.param());
  if (refused.status() == Status::too_many_requests || refused.status() == Status::service_unavailable) {
    response.set(boost::beast::http::field::retry_after, "5");
  }
  return response;
}

}  // namespace

bool is_edit(const std::string& path) { return path == "/v1/images/edits"; }

asio::awaitable<std::optional<Response>> make_images(Socket& socket, const Request& request,
                                                     std::string address, ServerContext& server) {
  EventStream events(socket, request, server);
  std::optional<Response> response;
  try {
    const Order order = read_request(request);
    ImageOrderRunner runner(server, socket.get_executor(), address);
    co_await runner.begin(order);
    if (order.is_streamed) {
      co_await send_images(order, runner, events);
      co_return std::nullopt;
    }
    const std::vector<ImageFile> images = co_await make_image_files(order, runner);
    response = make_json(request, Status::ok, describe(images, order, runner.size()));
  } catch (const RefusedRequest& refused) {
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
