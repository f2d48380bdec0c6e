#include "stream/nchw.h"

#include <cstddef>

namespace streamdiffusion {

namespace {

/// Calls `visit(nchw, nhwc)` with the two indices of each element.
template <typename Visit>
void for_each_element(const Shape& shape, Visit&& visit) {
  const auto pixels = static_cast<std::size_t>(shape.h * shape.w);
  const auto channels = static_cast<std::size_t>(shape.c);
  for (std::size_t row = 0; row < static_cast<std::size_t>(shape.n); ++row) {
    const std::size_t start = row * channels * pixels;
    for (std::size_t channel = 0; channel < channels; ++channel) {
      for (std::size_t pixel = 0; pixel < pixels; ++pixel) {
        visit(start + channel * pixels + pixel, start + pixel * channels + channel);
      }
    }
  }
}

}  // namespace

void upload_nchw(Device& device, std::span<const float> values, std::vector<float>& scratch,
                 const Tensor& out) {
  scratch.resize(values.size());
  for_each_element(out.shape, [&](std::size_t nchw, std::size_t nhwc) { scratch[nhwc] = values[nchw]; });
  device.upload(scratch, out);
}

void download_nchw(Device& device, const Tensor& x, std::vector<float>& scratch, std::span<float> values) {
  scratch.resize(values.size());
  device.download(x, scratch);
  for_each_element(x.shape, [&](std::size_t nchw, std::size_t nhwc) { values[nchw] = scratch[nhwc]; });
}

}  // namespace streamdiffusion
