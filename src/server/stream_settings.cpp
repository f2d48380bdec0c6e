#include "server/stream_settings.h"

#include <algorithm>
#include <array>
#include <utility>

#include "control/json_numbers.h"
#include "control/settings_json.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion::server {

namespace {

using Json = nlohmann::json;

constexpr int kLargestFrameBuffer = 16;
constexpr int kSmallestSide = 8;
constexpr std::array kFormats = {"jpeg", "webp", "png"};
constexpr std::array kFits = {std::pair{Fit::crop, "crop"}, std::pair{Fit::pad, "pad"},
                              std::pair{Fit::stretch, "stretch"}};

std::string text_of(const std::string& field, const Json& value) {
  if (!value.is_string()) {
    throw FieldError(field, "must be a text");
  }
  return value.get<std::string>();
}

Fit fit_of(const Json& value) {
  const std::string name = text_of("fit", value);
  const auto known = std::ranges::find_if(kFits, [&](const auto& fit) { return name == fit.second; });
  if (known == kFits.end()) {
    throw FieldError("fit", "must be crop, pad or stretch");
  }
  return known->first;
}

std::string format_of(const Json& value) {
  std::string name = text_of("format", value);
  if (std::ranges::find(kFormats, name) == kFormats.end()) {
    throw FieldError("format", "must be jpeg, webp or png");
  }
  return name;
}

void apply_field(const std::string& field, const Json& value, int largest_side, StreamSettings& settings) {
  if (field == "model") {
    settings.model = text_of(field, value);
  } else if (field == "width") {
    settings.width = integer_of(field, value, {kSmallestSide, largest_side});
  } else if (field == "height") {
    settings.height = integer_of(field, value, {kSmallestSide, largest_side});
  } else if (field == "frame_buffer") {
    settings.frame_buffer = integer_of(field, value, {1, kLargestFrameBuffer});
  } else if (field == "denoising_batch") {
    if (!value.is_boolean()) {
      throw FieldError(field, "must be true or false");
    }
    settings.denoising_batch = value.get<bool>();
  } else if (field == "fit") {
    settings.fit = fit_of(value);
  } else if (field == "format") {
    settings.format = format_of(value);
  } else if (field == "quality") {
    settings.quality = integer_of(field, value, {1, 100});
  } else {
    throw FieldError(field, "is no setting of a stream");
  }
}

}  // namespace

void apply_json(const Json& fields, int largest_side, StreamSettings& settings) {
  if (!fields.is_object()) {
    throw FieldError("stream", "must be a JSON object");
  }
  StreamSettings changed = settings;
  for (const auto& [field, value] : fields.items()) {
    apply_field(field, value, largest_side, changed);
  }
  settings = std::move(changed);
}

Json to_json(const StreamSettings& settings) {
  const auto fit = std::ranges::find(kFits, settings.fit, [](const auto& known) { return known.first; });
  return {{"model", settings.model},
          {"width", settings.width},
          {"height", settings.height},
          {"frame_buffer", settings.frame_buffer},
          {"denoising_batch", settings.denoising_batch},
          {"fit", fit->second},
          {"format", settings.format},
          {"quality", settings.quality}};
}

}  // namespace streamdiffusion::server
