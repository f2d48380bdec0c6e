#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string_view>
#include <vector>

namespace streamdiffusion::server {

/// What a request to /v1/images/edits brings.
// NOLINTNEXTLINE(bugprone-exception-escape): what moving JSON checks cannot fail
struct ImagesForm {
  nlohmann::json fields = nlohmann::json::object();
  std::vector<std::vector<std::uint8_t>> images;  ///< picture files, as they came
};

/// Reads multipart/form-data, with a file `image` or several `image[]`, or a JSON object, with `images`: a
/// list of {"image_url": "data:..."}. Throws Refused.
ImagesForm read_images_form(std::string_view content_type, std::string_view body);

}  // namespace streamdiffusion::server
