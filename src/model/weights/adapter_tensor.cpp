#include "model/weights/adapter_tensor.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <utility>

#include "model/files/json.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion {

std::string show_shape(const FileTensor& tensor) { return show_json(nlohmann::json(tensor.shape)); }

std::vector<float> to_floats(const FileTensor& tensor) {
  std::vector<float> values(static_cast<std::size_t>(tensor.elements()));
  convert_to_float(tensor, values);
  return values;
}

void check_floating_point(const FileTensor& tensor, const std::string& where) {
  static constexpr std::array kTypes = {DType::f32, DType::f16,     DType::bf16,
                                        DType::f64, DType::f8_e4m3, DType::f8_e5m2};
  if (std::ranges::find(kTypes, tensor.dtype) == kTypes.end()) {
    throw Error(where + ": a LoRA's weights must be floating-point numbers, not " + to_string(tensor.dtype));
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
