#include "arrays.h"

#include <nanobind/ndarray.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <numeric>
#include <optional>
#include <string_view>
#include <utility>

#include "streamdiffusion/error.h"

namespace nb = nanobind;

namespace streamdiffusion::python {

namespace {

using AnyArray = nb::ndarray<nb::ro>;

/// Returns the message of the Python exception that is set, and clears it.
std::string take_error() {
  const nb::python_error error;
  return error.what();
}

/// Returns the type that a format of Python's struct module names, if the library takes it.
std::optional<PixelType> type_of(const char* format) {
  std::string_view text = format != nullptr ? format : "B";
  if (text.starts_with('@') || text.starts_with('=') ||
      text.starts_with(std::endian::native == std::endian::little ? '<' : '>')) {
    text.remove_prefix(1);
  }
  if (text == "B") {
    return PixelType::uint8;
  }
  return text == "f" ? std::optional(PixelType::float32) : std::nullopt;
}

/// Returns numpy's name of a type that a format of Python's struct module names, or the format if numpy has
/// none.
std::string type_name(std::string_view format) {
  static constexpr std::array<std::pair<std::string_view, const char*>, 14> kNames{{
      {"d", "float64"},
      {"e", "float16"},
      {"?", "bool"},
      {"b", "int8"},
      {"h", "int16"},
      {"H", "uint16"},
      {"i", "int32"},
      {"I", "uint32"},
      {"l", "int64"},
      {"q", "int64"},
      {"L", "uint64"},
      {"Q", "uint64"},
      {"O", "object"},
      {"Zd", "complex128"},
  }};
  for (const auto& [name, type] : kNames) {
    if (format == name) {
      return type;
    }
  }
  return "\"" + std::string(format) + "\"";
}

/// Copies an array, axis by axis, to dense memory. Returns the end of what it has written.
std::byte* copy_dense(const std::byte* from, std::span<const std::int64_t> shape,
                      std::span<const std::int64_t> strides, std::size_t value_bytes, std::byte* to) {
  if (shape.empty()) {
    std::memcpy(to, from, value_bytes);
    return to + value_bytes;
  }
  for (std::int64_t i = 0; i < shape.front(); ++i) {
    to = copy_dense(from + i * strides.front(), shape.subspan(1), strides.subspan(1), value_bytes, to);
  }
  return to;
}

std::string describe_shape(std::span<const std::int64_t> shape) {
  std::string text = "(";
  for (const std::int64_t size : shape) {
    text += (text.size() > 1 ? ", " : "") + std::to_string(size);
  }
  return text + (shape.size() == 1 ? ",)" : ")");
}

}  // namespace

/// Keeps Python's memory in place: a buffer, or an array that came by DLPack.
struct InputArray::Holder {
  Holder() = default;
  Holder(const Holder&) = delete;
  Holder& operator=(const Holder&) = delete;
  ~Holder() {
    if (has_buffer) {
      PyBuffer_Release(&buffer);
    }
  }

  bool has_buffer = false;
  Py_buffer buffer{};
  AnyArray array;
};

InputArray::InputArray(nb::handle object, const char* what, const char* wanted)
    : what_(what), wanted_(wanted), holder_(std::make_unique<Holder>()) {
  if (PyObject_CheckBuffer(object.ptr()) != 0) {
    read_buffer(object);
  } else if (nb::hasattr(object, "__dlpack__")) {
    read_dlpack(object);
  } else {
    throw ArgumentError(std::string(what) + " is a " + nb::type_name(object.type()).c_str() +
                        "; give an array (numpy, torch, PIL or anything with the buffer protocol or DLPack)");
  }
}

InputArray::~InputArray() = default;
InputArray::InputArray(InputArray&&) noexcept = default;

void InputArray::read_buffer(nb::handle object) {
  if (PyObject_GetBuffer(object.ptr(), &holder_->buffer, PyBUF_RECORDS_RO) != 0) {
    throw ArgumentError(std::string(what_) + " cannot be read: " + take_error());
  }
  holder_->has_buffer = true;
  const Py_buffer& buffer = holder_->buffer;
  const std::optional<PixelType> type = type_of(buffer.format);
  if (!type) {
    throw ArgumentError(std::string(what_) + " has values of the type " + type_name(buffer.format) +
                        "; give " + wanted_);
  }
  type_ = *type;
  data_ = static_cast<const std::byte*>(buffer.buf);
  shape_.assign(buffer.shape, buffer.shape + buffer.ndim);
  strides_.assign(buffer.strides, buffer.strides + buffer.ndim);
}

void InputArray::read_dlpack(nb::handle object) {
  AnyArray& array = holder_->array;
  if (!nb::try_cast(object, array, false)) {
    throw ArgumentError(std::string(what_) + " is a " + nb::type_name(object.type()).c_str() +
                        " whose values cannot be read; give " + wanted_ + " values in the computer's memory");
  }
  if (array.device_type() != nb::device::cpu::value) {
    throw ArgumentError(std::string(what_) +
                        " is on a GPU or another device; copy it to the computer's memory first");
  }
  if (array.dtype() == nb::dtype<std::uint8_t>()) {
    type_ = PixelType::uint8;
  } else if (array.dtype() == nb::dtype<float>()) {
    type_ = PixelType::float32;
  } else {
    throw ArgumentError(std::string(what_) + " has values of another type; give " + wanted_);
  }
  data_ = static_cast<const std::byte*>(array.data());
  for (std::size_t axis = 0; axis < array.ndim(); ++axis) {
    shape_.push_back(static_cast<std::int64_t>(array.shape(axis)));
    strides_.push_back(array.stride(axis) * static_cast<std::int64_t>(value_bytes()));
  }
}

std::string InputArray::description() const {
  return std::string("a ") + (type_ == PixelType::uint8 ? "uint8" : "float32") + " array of the shape " +
         describe_shape(shape_);
}

bool InputArray::is_aligned() const {
  const auto multiple = [&](std::int64_t bytes) {
    return bytes % static_cast<std::int64_t>(value_bytes()) == 0;
  };
  return multiple(static_cast<std::int64_t>(std::bit_cast<std::uintptr_t>(data_))) &&
         std::ranges::all_of(strides_, multiple);
}

/// True if the values of the axes from this one on follow each other without gaps.
bool InputArray::is_dense(std::size_t from_axis) const {
  auto dense = static_cast<std::int64_t>(value_bytes());
  for (std::size_t axis = shape_.size(); axis > from_axis; --axis) {
    if (strides_[axis - 1] != dense && shape_[axis - 1] != 1) {
      return false;
    }
    dense *= shape_[axis - 1];
  }
  return true;
}

void InputArray::make_dense() {
  std::size_t bytes = value_bytes();
  for (const std::int64_t size : shape_) {
    bytes *= static_cast<std::size_t>(size);
  }
  copy_.resize(bytes);
  copy_dense(data_, shape_, strides_, value_bytes(), copy_.data());
  data_ = copy_.data();
  auto stride = static_cast<std::int64_t>(value_bytes());
  for (std::size_t axis = shape_.size(); axis > 0; --axis) {
    strides_[axis - 1] = stride;
    stride *= shape_[axis - 1];
  }
}

ImageView InputArray::image() {
  const std::int64_t line = shape_[1] * shape_[2] * static_cast<std::int64_t>(value_bytes());
  if (!is_aligned() || !is_dense(1) || (shape_[0] > 1 && std::abs(strides_[0]) < line)) {
    make_dense();
  }
  return {.data = data_,
          .width = static_cast<int>(shape_[1]),
          .height = static_cast<int>(shape_[0]),
          .stride = shape_[0] > 1 ? strides_[0] : line,
          .channels = static_cast<int>(shape_[2]),
          .type = type_};
}

std::size_t InputArray::dense_count() {
  if (!is_aligned() || !is_dense(0)) {
    make_dense();
  }
  return static_cast<std::size_t>(
      std::accumulate(shape_.begin(), shape_.end(), std::int64_t{1}, std::multiplies<>()));
}

std::span<const float> InputArray::floats() {
  const std::size_t count = dense_count();
  return {reinterpret_cast<const float*>(data_), count};
}

std::span<const std::uint8_t> InputArray::bytes() {
  const std::size_t count = dense_count();
  return {reinterpret_cast<const std::uint8_t*>(data_), count};
}

Output parse_output(const std::string& name) {
  if (name == "uint8") {
    return Output::uint8;
  }
  if (name == "float32") {
    return Output::float32;
  }
  if (name == "latents") {
    return Output::latents;
  }
  throw ArgumentError("output is \"" + name + "\", must be \"uint8\", \"float32\" or \"latents\"");
}

NewArray::NewArray(std::vector<int> shape, Output type)
    : shape_(std::move(shape)), type_(type), buffer_(std::make_unique<Py_buffer>()) {
  nb::list sizes;
  for (const int size : shape_) {
    sizes.append(size);
  }
  array_ = nb::module_::import_("numpy").attr("empty")(sizes, type == Output::uint8 ? "uint8" : "float32");
  if (PyObject_GetBuffer(array_.ptr(), buffer_.get(), PyBUF_C_CONTIGUOUS | PyBUF_WRITABLE) != 0) {
    buffer_ = nullptr;
    throw nb::python_error();
  }
}

NewArray::~NewArray() {
  if (buffer_) {
    PyBuffer_Release(buffer_.get());
  }
}

NewArray::NewArray(NewArray&&) noexcept = default;

void* NewArray::data() const { return buffer_->buf; }

std::span<float> NewArray::floats() const {
  return {static_cast<float*>(buffer_->buf), static_cast<std::size_t>(buffer_->len) / sizeof(float)};
}

MutableImageView NewArray::image() const {
  return {.data = buffer_->buf,
          .width = shape_[1],
          .height = shape_[0],
          .type = type_ == Output::uint8 ? PixelType::uint8 : PixelType::float32};
}

}  // namespace streamdiffusion::python
