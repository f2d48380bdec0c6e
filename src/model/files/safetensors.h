#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/dtype.h"

namespace streamdiffusion {

/// One tensor of a mapped file: PyTorch's order, little endian, not necessarily aligned.
struct FileTensor {
  DType dtype = DType::f32;
  std::vector<std::int64_t> shape;
  std::span<const std::byte> bytes;

  [[nodiscard]] std::int64_t elements() const;
};

/// The shape for messages, as in "[4,3]".
std::string show_shape(const std::vector<std::int64_t>& shape);
inline std::string show_shape(const FileTensor& tensor) { return show_shape(tensor.shape); }

/// A safetensors file, mapped into memory and checked: header, types, sizes, no gaps, no overlaps, nothing
/// beyond the end. Throws Error that names the file and the tensor.
class SafeTensors {
 public:
  static std::shared_ptr<const SafeTensors> open(const std::filesystem::path& file);
  /// Parses bytes that stay valid as long as the object; `name` stands for the file in messages.
  static std::shared_ptr<const SafeTensors> parse(std::span<const std::byte> bytes, const std::string& name);
  virtual ~SafeTensors() = default;

  [[nodiscard]] const std::map<std::string, FileTensor>& tensors() const { return tensors_; }
  [[nodiscard]] const std::map<std::string, std::string>& metadata() const { return metadata_; }
  [[nodiscard]] const std::string& name() const { return name_; }

  /// Tells the system that the mapped pages are not needed for now; reading again is still allowed.
  virtual void release_pages() const {}

 protected:
  SafeTensors() = default;
  void read(std::span<const std::byte> bytes, const std::string& name);

 private:
  std::map<std::string, FileTensor> tensors_;
  std::map<std::string, std::string> metadata_;
  std::string name_;
};

/// Writes float32, float16 or int64 tensors; for tests and tools.
void write_safetensors(const std::filesystem::path& file, const std::map<std::string, FileTensor>& tensors);

/// Writes the elements as float32 (from f64, f32, f16, bf16, f8_e4m3 or f8_e5m2). Returns true if all of
/// these are finite.
bool convert_to_float(const FileTensor& tensor, std::span<float> out);

/// Says of a tensor, or of the key before it, that it has a NaN or an infinity.
inline constexpr const char* kHoldsNotFinite =
    "holds NaN or infinity; the file is damaged or its training diverged, and it would spoil the images";

/// Converts the weights of a network with convert_to_float. Throws Error, which names no tensor, where their
/// type is not supported or one is NaN or infinite.
void convert_weights(const FileTensor& tensor, std::span<float> out);

}  // namespace streamdiffusion
