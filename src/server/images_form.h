#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string_view>
#include <vector>

namespace streamdiffusion::server {

/// The content of a request to /v1/images/edits.
// NOLINTNEXTLINE(bugprone-exception-escape): what moving JSON checks cannot fail
struct ImagesForm {
  nlohmann::json fields = nlohmann::json::object();
  std::vector<std::vector<std::uint8_t>> images;  ///< Image files, not decoded.
  std::vector<std::uint8_t> mask;                 ///< The mask's image file, not decoded; empty: no mask.
};

/// Reads a body of multipart/form-data or JSON. A form has a file `image` or several `image[]`, and may have
/// a file `mask`. A JSON object has a list `images` of {"image_url": "data:..."}, and may have such an object
/// as `mask`. Throws RefusedRequest.
ImagesForm read_images_form(std::string_view content_type, std::string_view body);

}  // namespace streamdiffusion::server
