#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "streamdiffusion/error.h"

namespace streamdiffusion::server {

/// A body is no multipart/form-data.
class MultipartError : public Error {
 public:
  using Error::Error;
};

/// One field of a form.
struct FormPart {
  std::string name;
  bool is_file = false;  ///< it came with a file name
  std::string_view content;
};

/// True if that is the type of a form that may have files.
bool is_multipart(std::string_view content_type);

/// The fields of a multipart/form-data body (RFC 7578), in order; their contents are parts of `body`. Throws
/// MultipartError.
std::vector<FormPart> parse_multipart(std::string_view content_type, std::string_view body);

}  // namespace streamdiffusion::server
