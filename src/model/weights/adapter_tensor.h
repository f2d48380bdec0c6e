#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "model/files/safetensors.h"

namespace streamdiffusion {

std::vector<float> to_floats(const FileTensor& tensor);

/// Throws Error, beginning with `where`, where the tensor's type is none that adapters are computed in, or
/// where it holds NaN or infinity.
void check_numbers(const FileTensor& tensor, const std::string& where);

/// A float32 tensor that is computed from those of a file.
std::shared_ptr<const FileTensor> make_tensor(std::vector<float> values, std::vector<std::int64_t> shape);

}  // namespace streamdiffusion
