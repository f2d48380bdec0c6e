#include "stream/pixel_transfer.h"

#include <algorithm>
#include <cstddef>
#include <span>

#include "streamdiffusion/image.h"

namespace streamdiffusion {

namespace {

constexpr int kRgb = 3;

std::size_t rgb_values(int width, int height) {
  return static_cast<std::size_t>(width) * static_cast<std::size_t>(height) * kRgb;
}

template <typename Pointer>
bool is_dense_8_bit_rgb(const BasicImageView<Pointer>& image) {
  return image.type == PixelType::uint8 && image.channels == kRgb &&
         image.line_stride() == static_cast<std::ptrdiff_t>(image.line_bytes());
}

template <typename Value>
const Value* line(const ImageView& image, int y) {
  return reinterpret_cast<const Value*>(static_cast<const std::byte*>(image.data) + y * image.line_stride());
}

template <typename Value>
Value* line(const MutableImageView& image, int y) {
  return reinterpret_cast<Value*>(static_cast<std::byte*>(image.data) + y * image.line_stride());
}

/// Copies an image to dense RGB.
template <typename Value>
std::span<const Value> pack(const ImageView& image, std::vector<Value>& packed) {
  packed.resize(rgb_values(image.width, image.height));
  Value* out = packed.data();
  for (int y = 0; y < image.height; ++y) {
    const Value* in = line<Value>(image, y);
    for (int x = 0; x < image.width; ++x, in += image.channels) {
      out = std::copy_n(in, kRgb, out);
    }
  }
  return packed;
}

/// Copies dense RGB to an image, each value as `convert` returns it; alpha becomes `opaque`.
template <typename Value, typename Convert>
void unpack(std::span<const Value> packed, const MutableImageView& image, Value opaque, Convert&& convert) {
  const Value* in = packed.data();
  for (int y = 0; y < image.height; ++y) {
    Value* out = line<Value>(image, y);
    for (int x = 0; x < image.width; ++x, in += kRgb) {
      out = std::transform(in, in + kRgb, out, convert);
      if (image.channels > kRgb) {
        *out++ = opaque;
      }
    }
  }
}

}  // namespace

void PixelTransfer::upload(Device& device, const ImageView& image, float scale, float shift,
                           const Tensor& out) {
  if (image.type == PixelType::float32) {
    const std::span<const float> values = pack(image, floats_);
    require_float_input(values);
    device.upload(values, out);
    device.map(out, 1, Activation::none, scale, shift, out);
  } else if (is_dense_8_bit_rgb(image)) {
    device.upload_pixels(static_cast<const std::uint8_t*>(image.data), scale, shift, out);
  } else {
    device.upload_pixels(pack(image, bytes_).data(), scale, shift, out);
  }
}

void PixelTransfer::download(Device& device, const Tensor& x, float scale, float shift,
                             const MutableImageView& image) {
  if (image.type == PixelType::float32) {
    floats_.resize(rgb_values(image.width, image.height));
    device.download(x, floats_);
    unpack<float>(floats_, image, 1,
                  [=](float value) { return std::clamp(value * scale + shift, 0.0F, 1.0F); });
  } else if (is_dense_8_bit_rgb(image)) {
    device.download_pixels(x, scale, shift, static_cast<std::uint8_t*>(image.data));
  } else {
    bytes_.resize(rgb_values(image.width, image.height));
    device.download_pixels(x, scale, shift, bytes_.data());
    unpack<std::uint8_t>(bytes_, image, 255, [](std::uint8_t value) { return value; });
  }
}

}  // namespace streamdiffusion
