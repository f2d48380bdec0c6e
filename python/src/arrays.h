#pragma once

#include <nanobind/nanobind.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "streamdiffusion/image.h"

namespace streamdiffusion::python {

/// Values in memory that Python owns, which cannot go away while this object lives. It is made and destroyed
/// with the GIL held.
class InputArray {
 public:
  /// Takes an object with the buffer protocol or DLPack, with uint8 or float32 values in the computer's
  /// memory. `what` names it in messages, and `wanted` the types that the caller takes. Throws ArgumentError
  /// for anything else.
  InputArray(nanobind::handle object, const char* what, const char* wanted = "uint8 or float32");
  ~InputArray();
  InputArray(InputArray&&) noexcept;
  InputArray& operator=(InputArray&&) = delete;

  [[nodiscard]] const std::vector<std::int64_t>& shape() const { return shape_; }
  [[nodiscard]] PixelType type() const { return type_; }
  /// Returns "a uint8 array of the shape (256, 256, 3)".
  [[nodiscard]] std::string description() const;

  /// Returns the values as a view if the library reads such an image where it lies, else copies them. `shape`
  /// must be [height][width][3 or 4].
  ImageView image();
  /// Returns the values in order, as they lie if they are dense, else copies them. They must be float32.
  std::span<const float> floats();
  /// Returns the values in order, as `floats` does. They must be uint8.
  std::span<const std::uint8_t> bytes();

 private:
  struct Holder;

  void read_buffer(nanobind::handle object);
  void read_dlpack(nanobind::handle object);
  /// Copies the values to dense memory, and takes this in place of Python's.
  void make_dense();
  /// Makes the values dense unless they are, and returns their number.
  std::size_t dense_count();
  [[nodiscard]] std::size_t value_bytes() const { return type_ == PixelType::uint8 ? 1 : sizeof(float); }
  [[nodiscard]] bool is_aligned() const;
  [[nodiscard]] bool is_dense(std::size_t from_axis) const;

  const char* what_;
  const char* wanted_;
  std::unique_ptr<Holder> holder_;
  const std::byte* data_ = nullptr;
  PixelType type_ = PixelType::uint8;
  std::vector<std::int64_t> shape_;
  std::vector<std::int64_t> strides_;  ///< In bytes.
  std::vector<std::byte> copy_;
};

/// The number format of a result.
enum class Output { uint8, float32, latents };
/// Parses "uint8", "float32" or "latents"; throws ArgumentError for another name.
Output parse_output(const std::string& name);

/// A new numpy array, whose memory can be written without the GIL while this object lives. It is made and
/// destroyed with the GIL held.
class NewArray {
 public:
  NewArray(std::vector<int> shape, Output type);
  ~NewArray();
  NewArray(NewArray&&) noexcept;
  NewArray& operator=(NewArray&&) = delete;

  [[nodiscard]] const nanobind::object& array() const { return array_; }
  [[nodiscard]] void* data() const;
  /// The memory as float32 values.
  [[nodiscard]] std::span<float> floats() const;
  /// The memory as an image of the shape [height][width][3].
  [[nodiscard]] MutableImageView image() const;

 private:
  std::vector<int> shape_;
  Output type_;
  nanobind::object array_;
  std::unique_ptr<Py_buffer> buffer_;
};

}  // namespace streamdiffusion::python
