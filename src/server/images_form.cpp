#include "server/images_form.h"

#include <algorithm>
#include <array>
#include <boost/beast/core/detail/base64.hpp>
#include <cstddef>
#include <string>
#include <utility>

#include "server/images_request.h"
#include "server/multipart.h"

namespace streamdiffusion::server {

namespace {

using Json = nlohmann::json;
using File = std::vector<std::uint8_t>;

constexpr std::array kTexts = {"prompt", "negative_prompt", "model", "user", "safety_identifier"};

/// Converts a form field's text to JSON: "2" becomes a number, "true" a boolean. Fields in kTexts stay text.
Json value_of(const std::string& name, std::string_view text) {
  const bool is_text = std::ranges::find(kTexts, name) != kTexts.end();
  Json value = is_text ? Json() : Json::parse(text, nullptr, false);
  return is_text || value.is_discarded() || value.is_string() ? Json(std::string(text)) : value;
}

void set_once(Json& object, const std::string& name, Json value) {
  if (!object.is_object() || object.contains(name)) {
    throw RefusedRequest(Status::bad_request, "'" + name + "' is given twice", name);
  }
  object[name] = std::move(value);
}

/// Adds a form field to `fields`. `name[]` adds an item to a list, `name[key]` a member to an object.
void add_field(const std::string& name, std::string_view text, Json& fields) {
  const std::size_t bracket = name.find('[');
  if (bracket == std::string::npos || name.back() != ']') {
    set_once(fields, name, value_of(name, text));
    return;
  }
  const std::string outer = name.substr(0, bracket);
  const std::string key = name.substr(bracket + 1, name.size() - bracket - 2);
  if (!fields.contains(outer)) {
    fields[outer] = key.empty() ? Json::array() : Json::object();
  }
  if (!key.empty()) {
    set_once(fields[outer], key, value_of(key, text));
  } else if (fields[outer].is_array()) {
    fields[outer].push_back(value_of(outer, text));
  } else {
    throw RefusedRequest(Status::bad_request, "'" + outer + "' is given twice", outer);
  }
}

void set_mask(File file, ImagesForm& form) {
  if (file.empty()) {
    throw RefusedRequest(Status::bad_request, "'mask' is an empty file", "mask");
  }
  if (!form.mask.empty()) {
    throw RefusedRequest(Status::bad_request, "'mask' is given twice", "mask");
  }
  form.mask = std::move(file);
}

/// Adds a part of a form that is a file, or must be one.
void add_file(const FormPart& part, ImagesForm& form) {
  const bool is_mask = part.name == "mask";
  if (!is_mask && part.name != "image" && part.name != "image[]") {
    throw RefusedRequest(
        Status::bad_request,
        "'" + part.name + "' must not be a file; files are named image, or several image[], and mask",
        part.name);
  }
  if (!part.is_file) {
    throw RefusedRequest(Status::bad_request, "'" + part.name + "' must be a file", part.name);
  }
  File file(part.content.begin(), part.content.end());
  if (is_mask) {
    set_mask(std::move(file), form);
  } else {
    form.images.push_back(std::move(file));
  }
}

ImagesForm read_multipart(std::string_view content_type, std::string_view body) {
  constexpr std::array<std::string_view, 3> kFiles = {"image", "image[]", "mask"};
  ImagesForm form;
  try {
    for (const FormPart& part : parse_multipart(content_type, body)) {
      if (part.is_file || std::ranges::find(kFiles, part.name) != kFiles.end()) {
        add_file(part, form);
      } else {
        add_field(part.name, part.content, form.fields);
      }
    }
  } catch (const MultipartError& error) {
    throw RefusedRequest(Status::bad_request, error.what());
  }
  return form;
}

/// Decodes the image file in a data URL. `param` names the parameter that holds it.
File read_data_url(const Json& image, const std::string& param) {
  const bool has_url = image.is_object() && image.contains("image_url") && image["image_url"].is_string();
  const std::string url = has_url ? image["image_url"].get<std::string>() : "";
  const std::size_t comma = url.find(',');
  const std::string_view head = std::string_view(url).substr(0, comma);
  if (comma == std::string::npos || !head.starts_with("data:") || !head.ends_with(";base64")) {
    throw RefusedRequest(
        Status::bad_request,
        "'" + param + "' must be " + (param == "images" ? "a list of " : "") +
            R"({"image_url": "data:image/png;base64,..."}; this server fetches nothing from elsewhere)",
        param);
  }
  namespace codec = boost::beast::detail::base64;
  std::string_view text = std::string_view(url).substr(comma + 1);
  text = text.substr(0, text.find_last_not_of('=') + 1);
  File file(codec::decoded_size(text.size() + 3));
  const auto [written, read] = codec::decode(file.data(), text.data(), text.size());
  if (read != text.size()) {
    throw RefusedRequest(Status::bad_request, "'" + param + "' has a data URL that is no base64", param);
  }
  file.resize(written);
  return file;
}

ImagesForm read_json(std::string_view body) {
  ImagesForm form{.fields = parse_body(std::string(body)), .images = {}, .mask = {}};
  if (form.fields.contains("mask") && !form.fields["mask"].is_null()) {
    set_mask(read_data_url(form.fields["mask"], "mask"), form);
  }
  const Json images = form.fields.value("images", Json::array());
  for (const Json& image : images.is_array() ? images : Json::array({images})) {
    form.images.push_back(read_data_url(image, "images"));
  }
  form.fields.erase("images");
  form.fields.erase("mask");
  return form;
}

}  // namespace

ImagesForm read_images_form(std::string_view content_type, std::string_view body) {
  ImagesForm form = is_multipart(content_type) ? read_multipart(content_type, body) : read_json(body);
  if (form.images.empty()) {
    throw RefusedRequest(
        Status::bad_request,
        is_multipart(content_type)
            ? "'image' is missing: a form needs a file of that name, or several named image[]"
            : "'images' is missing: a list of {\"image_url\": \"data:image/png;base64,...\"}",
        is_multipart(content_type) ? "image" : "images");
  }
  return form;
}

}  // namespace streamdiffusion::server
