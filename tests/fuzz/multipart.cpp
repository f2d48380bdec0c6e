// Checks that any form gives an error or parts that lie in the body. The input's first line is the
// Content-Type, the rest the body.
#include "server/multipart.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <string_view>

namespace {

using namespace streamdiffusion::server;

bool lies_in(std::string_view part, std::string_view body) {
  const std::less_equal<> before;
  return before(body.data(), part.data()) && before(part.data() + part.size(), body.data() + body.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::string_view type = input.substr(0, input.find('\n'));
  const std::string_view body = type.size() < size ? input.substr(type.size() + 1) : std::string_view();
  static_cast<void>(is_multipart(type));
  try {
    for (const FormPart& part : parse_multipart(type, body)) {
      if (part.name.empty() || !lies_in(part.content, body)) {
        std::abort();
      }
    }
  } catch (const MultipartError&) {
  }
  return 0;
}
