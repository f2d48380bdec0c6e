#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "model/files/safetensors.h"

namespace streamdiffusion {

/// Converts a floating-point tensor to float32.
std::vector<float> to_floats(const FileTensor& tensor);

/// Throws Error that begins with `where` unless the tensor has a floating-point type and finite values.
void check_numbers(const FileTensor& tensor, const std::string& where);

/// Makes a float32 tensor from computed values. The result owns them.
std::shared_ptr<const FileTensor> make_tensor(std::vector<float> values, std::vector<std::int64_t> shape);

}  // namespace streamdiffusion
