#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "streamdiffusion/error.h"

namespace streamdiffusion::server {

/// The error of a body that is not valid multipart/form-data.
class MultipartError : public Error {
 public:
  using Error::Error;
};

/// One field of a form.
struct FormPart {
  std::string name;
  bool is_file = false;  ///< True if the part has a file name.
  std::string_view content;
};

/// True if the Content-Type is multipart/form-data.
bool is_multipart(std::string_view content_type);

/// Parses a multipart/form-data body (RFC 7578) into its fields, in order. Their contents point into `body`.
/// Throws MultipartError.
std::vector<FormPart> parse_multipart(std::string_view content_type, std::string_view body);

}  // namespace streamdiffusion::server
