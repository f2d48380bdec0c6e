#include "server/multipart.h"

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <optional>
#include <utility>

namespace streamdiffusion::server {

namespace {

constexpr std::string_view kType = "multipart/form-data";
constexpr std::string_view kLineEnd = "\r\n";
constexpr std::size_t kLongestBoundary = 70;      // RFC 2046
constexpr std::size_t kLongestHeaders = 8 << 10;  // Far above a file name and its type.
constexpr std::size_t kMostParts = 200;           // Several times the fields of a request.

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(
      a, b, [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

std::string_view trim(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  return first == std::string_view::npos ? std::string_view()
                                         : text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// Takes a token or a quoted string from the front of `text`.
std::string take_value(std::string_view& text) {
  std::string value;
  if (!text.starts_with('"')) {
    const std::size_t end = std::min(text.find(';'), text.size());
    value = trim(text.substr(0, end));
    text.remove_prefix(end);
    return value;
  }
  std::size_t i = 1;
  for (; i < text.size() && text[i] != '"'; ++i) {
    const bool escapes = text[i] == '\\' && i + 1 < text.size();
    i += escapes ? 1 : 0;
    value += text[i];
  }
  if (i >= text.size()) {
    throw MultipartError("a header of the form has a quotation mark that is not closed");
  }
  text.remove_prefix(i + 1);
  return value;
}

/// Returns a parameter of a header's value, such as `name` in `form-data; name="image"`.
std::optional<std::string> parameter(std::string_view header, std::string_view name) {
  std::size_t semicolon = header.find(';');
  while (semicolon != std::string_view::npos) {
    header = trim(header.substr(semicolon + 1));
    const std::size_t equals = header.find('=');
    if (equals == std::string_view::npos) {
      return std::nullopt;
    }
    const std::string_view found = trim(header.substr(0, equals));
    header = trim(header.substr(equals + 1));
    std::string value = take_value(header);
    if (equal_ignoring_case(found, name)) {
      return value;
    }
    semicolon = header.find(';');
  }
  return std::nullopt;
}

std::string boundary_of(std::string_view content_type) {
  const std::string boundary = parameter(content_type, "boundary").value_or("");
  if (boundary.empty() || boundary.size() > kLongestBoundary) {
    throw MultipartError("Content-Type: multipart/form-data needs a boundary of 1 to 70 characters");
  }
  return boundary;
}

/// Returns the value of a header in a block of header lines; empty if there is none.
std::string_view header_of(std::string_view lines, std::string_view name) {
  while (!lines.empty()) {
    const std::size_t end = std::min(lines.find(kLineEnd), lines.size());
    const std::string_view line = lines.substr(0, end);
    const std::size_t colon = line.find(':');
    if (colon != std::string_view::npos && equal_ignoring_case(trim(line.substr(0, colon)), name)) {
      return trim(line.substr(colon + 1));
    }
    lines.remove_prefix(std::min(end + kLineEnd.size(), lines.size()));
  }
  return {};
}

FormPart describe(std::string_view headers, std::string_view content) {
  const std::string_view disposition = header_of(headers, "Content-Disposition");
  std::optional<std::string> name = parameter(disposition, "name");
  if (!name || name->empty()) {
    throw MultipartError("a part of the form has no Content-Disposition with a name");
  }
  const std::string_view encoding = header_of(headers, "Content-Transfer-Encoding");
  const bool is_plain = encoding.empty() || equal_ignoring_case(encoding, "binary") ||
                        equal_ignoring_case(encoding, "8bit") || equal_ignoring_case(encoding, "7bit");
  if (!is_plain) {
    throw MultipartError("\"" + *name + "\" of the form has a Content-Transfer-Encoding; send it as it is");
  }
  const bool is_file = parameter(disposition, "filename") || parameter(disposition, "filename*");
  return {.name = std::move(*name), .is_file = is_file, .content = content};
}

/// Splits a body at its delimiters, the lines with the boundary.
class Reader {
 public:
  Reader(std::string_view body, const std::string& boundary)
      : rest_(body), delimiter_(std::string(kLineEnd) + "--" + boundary) {
    const std::string_view first = std::string_view(delimiter_).substr(kLineEnd.size());
    if (rest_.starts_with(first)) {
      rest_.remove_prefix(first.size());
    } else {
      take_until(delimiter_, "the form does not contain its boundary");  // Skips the preamble.
    }
  }

  /// Called behind a delimiter. Returns false if that is the last one, else skips to the part's headers.
  bool begins_part() {
    if (rest_.starts_with("--")) {
      return false;
    }
    const std::string_view padding = take_until(kLineEnd, "the form ends in the line of a boundary");
    if (!trim(padding).empty()) {
      throw MultipartError("the line of a boundary in the form has further characters");
    }
    return true;
  }

  FormPart take_part() {
    // A part without headers begins with the empty line that ends them.
    const bool has_headers = !rest_.starts_with(kLineEnd);
    const std::string_view headers =
        has_headers ? take_until("\r\n\r\n", "the headers of a part of the form do not end")
                    : take_until(kLineEnd, "");
    if (headers.size() > kLongestHeaders) {
      throw MultipartError("the headers of a part of the form are longer than 8 KiB");
    }
    return describe(headers, take_until(delimiter_, "the form ends in the middle of a part"));
  }

 private:
  /// Takes the text before `end`, and `end` itself. Throws MultipartError(error) if there is no `end`.
  std::string_view take_until(std::string_view end, const char* error) {
    const std::size_t size = rest_.find(end);
    if (size == std::string_view::npos) {
      throw MultipartError(error);
    }
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size + end.size());
    return taken;
  }

  std::string_view rest_;
  std::string delimiter_;
};

}  // namespace

bool is_multipart(std::string_view content_type) {
  const std::string_view type = trim(content_type.substr(0, content_type.find(';')));
  return equal_ignoring_case(type, kType);
}

std::vector<FormPart> parse_multipart(std::string_view content_type, std::string_view body) {
  std::vector<FormPart> parts;
  Reader reader(body, boundary_of(content_type));
  while (reader.begins_part()) {
    if (parts.size() == kMostParts) {
      throw MultipartError("the form has more than " + std::to_string(kMostParts) + " parts");
    }
    parts.push_back(reader.take_part());
  }
  return parts;
}

}  // namespace streamdiffusion::server
