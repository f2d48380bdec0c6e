#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "streamdiffusion/media.h"

namespace streamdiffusion::server {

/// The settings that a session's stream is made for; a change of them makes a new stream. The names are the
/// protocol's (docs/server.md).
struct StreamSettings {
  std::string model;  ///< An id in the model store.
  int width = 0;
  int height = 0;
  int frame_buffer = 1;
  bool denoising_batch = true;
  Fit fit = Fit::crop;
  std::string format = "jpeg";  ///< File format of outgoing frames: jpeg, webp or png.
  int quality = 85;

  bool operator==(const StreamSettings&) const = default;
};

/// Applies the fields of a JSON object. `largest_side` limits width and height. Throws FieldError, and
/// changes nothing, if a field is unknown, has the wrong type or is out of range. It does not check that the
/// model exists and supports the size.
void apply_json(const nlohmann::json& fields, int largest_side, StreamSettings& settings);
nlohmann::json to_json(const StreamSettings& settings);

/// Returns an object from each setting's name to a JSON Schema of its values, as settings_schema does.
/// `defaults` are the settings of a new session.
nlohmann::json stream_schema(const StreamSettings& defaults, int largest_side);

}  // namespace streamdiffusion::server
