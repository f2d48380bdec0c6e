#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "server/http.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion::server {

/// The error with which a request for images is answered.
class RefusedRequest : public Error {
 public:
  /// `param` names the wrong parameter; empty if the error concerns none.
  RefusedRequest(Status status, const std::string& message, std::string param = {})
      : Error(message), status_(status), param_(std::move(param)) {}
  [[nodiscard]] Status status() const { return status_; }
  [[nodiscard]] const std::string& param() const { return param_; }

 private:
  Status status_;
  std::string param_;
};

/// A request for images, translated to the protocol's settings (docs/server.md).
// NOLINTNEXTLINE(bugprone-exception-escape): what moving JSON checks cannot fail
struct Order {
  nlohmann::json stream = nlohmann::json::object();    ///< Stream settings to change, by name.
  nlohmann::json settings = nlohmann::json::object();  ///< Settings to change, by name.
  int count = 1;                                       ///< Images of each input, or of the prompt.
  bool as_url = false;  ///< True: images are returned as data URLs; false: as base64.
  std::string format = "png";
  bool is_streamed = false;                       ///< True if the answer is a stream of events.
  int partial_images = 0;                         ///< Most partial images before each result.
  std::vector<std::vector<std::uint8_t>> inputs;  ///< Image files to transform; empty: text to image.
  /// Image file whose transparent areas are redrawn in the first input; empty: inputs are redrawn as a whole.
  std::vector<std::uint8_t> mask = {};
};

/// Reads a text-to-image order: the parameters of OpenAI's images API and this server's settings. Throws
/// RefusedRequest.
Order read_order(const nlohmann::json& fields);
/// Reads an image-to-image order. `images` are the image files to transform. Throws RefusedRequest.
Order read_edit_order(const nlohmann::json& fields, std::vector<std::vector<std::uint8_t>> images);

/// Parses a request's body as a JSON object. Throws RefusedRequest.
nlohmann::json parse_body(const std::string& body);

}  // namespace streamdiffusion::server
