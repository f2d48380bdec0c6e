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

/// A tensor of a mapped file: row-major as in PyTorch, little endian, possibly unaligned.
struct FileTensor {
  DType dtype = DType::f32;
  std::vector<std::int64_t> shape;
  std::span<const std::byte> bytes;

  [[nodiscard]] std::int64_t elements() const;
};

/// Formats a shape for error messages, such as "[4,3]".
std::string show_shape(const std::vector<std::int64_t>& shape);
inline std::string show_shape(const FileTensor& tensor) { return show_shape(tensor.shape); }

/// A safetensors file, mapped into memory. Its header, types and sizes are checked: tensors leave no gaps, do
/// not overlap and end where the data ends. Thread-safe, as it is immutable.
class SafeTensors {
 public:
  /// Opens a file, which may lie in a DDUF file. Throws Error with file and tensor if it is malformed.
  static std::shared_ptr<const SafeTensors> open(const std::filesystem::path& file);
  /// Parses `bytes`, which must outlive the object. `name` stands for the file in error messages.
  static std::shared_ptr<const SafeTensors> parse(std::span<const std::byte> bytes, const std::string& name);
  virtual ~SafeTensors() = default;

  [[nodiscard]] const std::map<std::string, FileTensor>& tensors() const { return tensors_; }
  [[nodiscard]] const std::map<std::string, std::string>& metadata() const { return metadata_; }
  [[nodiscard]] const std::string& name() const { return name_; }

  /// Tells the system that the mapped pages are not needed at present. The data can still be read.
  virtual void release_pages() const {}

 protected:
  SafeTensors() = default;
  void read(std::span<const std::byte> bytes, const std::string& name);

 private:
  std::map<std::string, FileTensor> tensors_;
  std::map<std::string, std::string> metadata_;
  std::string name_;
};

/// Writes a safetensors file; for tests and tools. Throws Error if it cannot be written.
void write_safetensors(const std::filesystem::path& file, const std::map<std::string, FileTensor>& tensors);

/// Converts a tensor of type f64, f32, f16, bf16, f8_e4m3 or f8_e5m2 to float32. Returns true if all results
/// are finite. Throws Error for another type.
bool convert_to_float(const FileTensor& tensor, std::span<float> out);

/// The end of an error message about a tensor with NaN or infinity; the tensor's name or key comes before it.
inline constexpr const char* kHoldsNotFinite =
    "holds NaN or infinity; the file is damaged or its training diverged, and it would spoil the images";

/// Converts the weights of a network with convert_to_float. Throws Error, without the tensor's name, for an
/// unsupported type, NaN or infinity.
void convert_weights(const FileTensor& tensor, std::span<float> out);

}  // namespace streamdiffusion
