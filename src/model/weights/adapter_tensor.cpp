#include "model/weights/adapter_tensor.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>

#include "streamdiffusion/error.h"

namespace streamdiffusion {
namespace {

/// True if no number has all bits of `exponent`, which stand for infinity and NaN.
template <typename Bits>
bool has_no_such_exponent(std::span<const std::byte> bytes, Bits exponent) {
  bool is_found = false;  // no early exit, so that the loop is vectorised
  for (std::size_t at = 0; at < bytes.size(); at += sizeof(Bits)) {
    Bits bits = 0;
    std::memcpy(&bits, bytes.data() + at, sizeof bits);
    is_found |= (bits & exponent) == exponent;
  }
  return !is_found;
}

/// True if no element is NaN or infinite. Also true for types that are no floating-point numbers.
bool is_finite(const FileTensor& tensor) {
  switch (tensor.dtype) {
    case DType::f64:
      return has_no_such_exponent<std::uint64_t>(tensor.bytes, 0x7ff0'0000'0000'0000);
    case DType::f32:
      return has_no_such_exponent<std::uint32_t>(tensor.bytes, 0x7f80'0000);
    case DType::f16:
      return has_no_such_exponent<std::uint16_t>(tensor.bytes, 0x7c00);
    case DType::bf16:
      return has_no_such_exponent<std::uint16_t>(tensor.bytes, 0x7f80);
    case DType::f8_e5m2:
      return has_no_such_exponent<std::uint8_t>(tensor.bytes, 0x7c);
    case DType::f8_e4m3:
      return has_no_such_exponent<std::uint8_t>(tensor.bytes, 0x7f);  // NaN only; there is no infinity
    default:
      return true;
  }
}

}  // namespace

std::vector<float> to_floats(const FileTensor& tensor) {
  std::vector<float> values(static_cast<std::size_t>(tensor.elements()));
  convert_to_float(tensor, values);
  return values;
}

void check_numbers(const FileTensor& tensor, const std::string& where) {
  static constexpr std::array kTypes = {DType::f32, DType::f16,     DType::bf16,
                                        DType::f64, DType::f8_e4m3, DType::f8_e5m2};
  if (std::ranges::find(kTypes, tensor.dtype) == kTypes.end()) {
    throw FileError(where + ": a LoRA's weights must be floating-point numbers, not " +
                    to_string(tensor.dtype));
  }
  if (!is_finite(tensor)) {
    throw FileError(where + ": " + kHoldsNotFinite);
  }
}

std::shared_ptr<const FileTensor> make_tensor(std::vector<float> values, std::vector<std::int64_t> shape) {
  struct Owned {
    std::vector<float> values;
    FileTensor tensor;
  };
  const auto owned = std::make_shared<Owned>();
  owned->values = std::move(values);
  owned->tensor = {DType::f32, std::move(shape), std::as_bytes(std::span(owned->values))};
  return {owned, &owned->tensor};
}

}  // namespace streamdiffusion
