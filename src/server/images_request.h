#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "server/http.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion::server {

/// A request for pictures that is answered with an error.
class Refused : public Error {
 public:
  /// `param`: the parameter that is wrong, where it is one.
  Refused(Status status, const std::string& message, std::string param = {})
      : Error(message), status_(status), param_(std::move(param)) {}
  [[nodiscard]] Status status() const { return status_; }
  [[nodiscard]] const std::string& param() const { return param_; }

 private:
  Status status_;
  std::string param_;
};

/// What a request for pictures asks for, in the words of the protocol.
// NOLINTNEXTLINE(bugprone-exception-escape): what moving JSON checks cannot fail
struct Order {
  nlohmann::json stream = nlohmann::json::object();
  nlohmann::json settings = nlohmann::json::object();
  int count = 1;
  bool as_url = false;
  std::string format = "png";
  bool is_streamed = false;                       ///< the answer is a stream of events
  int partial_images = 0;                         ///< at most, before each picture
  std::vector<std::vector<std::uint8_t>> inputs;  ///< files of the images to draw anew; none: text to image
};

/// The order that the parameters of OpenAI's images API, and the settings beside them, make. Throws Refused.
Order read_order(const nlohmann::json& fields);
/// The same for images that are drawn anew.
Order read_edit_order(const nlohmann::json& fields, std::vector<std::vector<std::uint8_t>> images);

/// The object that a request's body is. Throws Refused.
nlohmann::json parse_body(const std::string& body);

}  // namespace streamdiffusion::server
