#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "streamdiffusion/media.h"

namespace streamdiffusion::server {

/// What a session's stream is made for; another one takes a new stream. The names are the protocol's.
struct StreamSettings {
  std::string model;  ///< an id of the model store
  int width = 0;
  int height = 0;
  int frame_buffer = 1;
  bool denoising_batch = true;
  Fit fit = Fit::crop;
  std::string format = "jpeg";  ///< of the pictures that go out: jpeg, webp or png
  int quality = 85;

  bool operator==(const StreamSettings&) const = default;
};

/// Applies the fields of a JSON object. Throws FieldError where one is unknown, of another type or out of
/// range, and leaves `settings` as it was. `largest_side`: of width and height. Whether the model exists and
/// takes the size is not checked.
void apply_json(const nlohmann::json& fields, int largest_side, StreamSettings& settings);
nlohmann::json to_json(const StreamSettings& settings);

}  // namespace streamdiffusion::server
