#include <boost/beast/core/detail/base64.hpp>
#include <chrono>
#include <vector>

#include "server/http.h"
#include "server/image_commission.h"
#include "server/images_request.h"

namespace streamdiffusion::server {

namespace {

namespace asio = boost::asio;
using Json = nlohmann::json;

std::string base64(const std::vector<std::uint8_t>& bytes) {
  namespace codec = boost::beast::detail::base64;
  std::string text(codec::encoded_size(bytes.size()), '\0');
  text.resize(codec::encode(text.data(), bytes.data(), bytes.size()));
  return text;
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

}  // namespace

asio::awaitable<Response> generate_images(Socket& socket, const Request& request, std::string address,
                                          ServerContext& server) {
  std::optional<Response> response;
  try {
    const Order order = read_order(parse_body(request.body()));
    ImageCommission commission(server, socket.get_executor(), address);
    const std::vector<ImageCommission::Picture> pictures = co_await commission.make(order);
    response = make_json(request, Status::ok, describe(pictures, order));
  } catch (const Refused& refused) {
    response = make_error_response(request, refused.status(), refused.what(), refused.param());
    if (refused.status() == Status::too_many_requests || refused.status() == Status::service_unavailable) {
      response->set(boost::beast::http::field::retry_after, "5");
    }
  }
  co_return std::move(*response);
}

}  // namespace streamdiffusion::server
