#pragma once

#include <cstdint>
#include <cstring>
#include <list>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "model/files/safetensors.h"

namespace streamdiffusion {

/// Returns a safetensors file with this header and data.
inline std::string safetensors_bytes(const std::string& header, const std::string& data = "") {
  std::string bytes(8, '\0');
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<char>((header.size() >> (8 * i)) & 0xFFU);
  }
  return bytes + header + data;
}

inline std::span<const std::byte> as_bytes(const std::string& text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

/// Float32 tensors that a test defines.
class Tensors {
 public:
  void add(const std::string& name, const std::vector<std::int64_t>& shape,
           const std::vector<float>& values) {
    values_.push_back(values);
    tensors_[name] = {DType::f32, shape, std::as_bytes(std::span(values_.back()))};
  }
  void write(const std::filesystem::path& file) const { write_safetensors(file, tensors_); }
  [[nodiscard]] const std::map<std::string, FileTensor>& all() const { return tensors_; }

 private:
  std::list<std::vector<float>> values_;
  std::map<std::string, FileTensor> tensors_;
};

/// Returns a safetensors file with these tensors and this `__metadata__`.
inline std::string with_metadata(const Tensors& tensors, const nlohmann::json& metadata) {
  nlohmann::json header = {{"__metadata__", metadata}};
  std::string data;
  for (const auto& [name, tensor] : tensors.all()) {
    const std::size_t begin = data.size();
    data.append(reinterpret_cast<const char*>(tensor.bytes.data()), tensor.bytes.size());
    header[name] = {{"dtype", "F32"}, {"shape", tensor.shape}, {"data_offsets", {begin, data.size()}}};
  }
  return safetensors_bytes(header.dump(), data);
}

inline std::vector<float> floats(const FileTensor& tensor) {
  std::vector<float> values(static_cast<std::size_t>(tensor.elements()));
  convert_to_float(tensor, values);
  return values;
}

}  // namespace streamdiffusion
