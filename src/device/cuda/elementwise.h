#pragma once

#include "device/cuda/elements.h"

// Element-wise operations. Thread `i` of a launch calls the object with `i`. Unless noted otherwise, a call
// computes a pack of V channels of one pixel, and `columns` is the number of packs in a pixel.
namespace streamdiffusion::cuda {

/// out = activation(x * scale) * out_scale + shift
template <typename T, int V>
struct Map {
  View<T> x;
  View<T> out;
  std::uint32_t columns;
  float scale;
  Activation activation;
  float out_scale;
  float shift;

  STREAMDIFFUSION_HD void operator()(std::uint32_t i) const {
    const std::int64_t pixel = i / columns;
    const std::int64_t channel = i % columns * V;
    Pack<T, V> pack = x.template load<V>(pixel, channel);
    for (T& value : pack.values) {
      value = from_float<T>(activate(activation, to_float(value) * scale) * out_scale + shift);
    }
    out.template store<V>(pixel, channel, pack);
  }
};

template <typename T, int V>
struct Copy {
  View<T> x;
  View<T> out;
  std::uint32_t columns;

  STREAMDIFFUSION_HD void operator()(std::uint32_t i) const {
    const std::int64_t pixel = i / columns;
    const std::int64_t channel = i % columns * V;
    out.template store<V>(pixel, channel, x.template load<V>(pixel, channel));
  }
};

/// out = x + y
template <typename T, int V>
struct Add {
  View<T> x;
  View<T> y;
  View<T> out;
  std::uint32_t columns;

  STREAMDIFFUSION_HD void operator()(std::uint32_t i) const {
    const std::int64_t pixel = i / columns;
    const std::int64_t channel = i % columns * V;
    Pack<T, V> pack = x.template load<V>(pixel, channel);
    const Pack<T, V> other = y.template load<V>(pixel, channel);
    for (int v = 0; v < V; ++v) {
      pack.values[v] = from_float<T>(to_float(pack.values[v]) + to_float(other.values[v]));
    }
    out.template store<V>(pixel, channel, pack);
  }
};

/// Factors of Combine as kernel arguments, for a launch of up to kMostRows rows. They take 256 of the 4096
/// bytes that arguments may have.
struct FactorValues {
  static constexpr int kMostRows = 32;
  float a[kMostRows];
  float b[kMostRows];
};

/// Factors of Combine in GPU memory, which a kernel reads when it runs. A graph can be repeated with others.
struct FactorMemory {
  const float* a;
  const float* b;
};

/// out = a * x + b * y, with one factor `a` and `b` for each row. Tensors are dense.
template <typename T, int V, typename Factors>
struct Combine {
  View<T> x;
  View<T> y;
  View<T> out;
  std::uint32_t row_packs;
  Factors factors;

  STREAMDIFFUSION_HD void operator()(std::uint32_t i) const {
    const std::uint32_t row = i / row_packs;
    const std::int64_t first = std::int64_t{i} * V;
    Pack<T, V> pack = x.template load<V>(0, first);
    const Pack<T, V> other = y.template load<V>(0, first);
    for (int v = 0; v < V; ++v) {
      pack.values[v] = from_float<T>(factors.a[row] * to_float(pack.values[v]) +
                                     factors.b[row] * to_float(other.values[v]));
    }
    out.template store<V>(0, first, pack);
  }
};

/// Copies a convolution's input into the dense form that cuDNN reads: upsampled, with zeros around the image
/// and in the added channels.
template <typename T, int V>
struct Gather {
  View<T> x;
  std::int64_t x_h, x_w, x_channels;
  View<T> out;
  std::int64_t out_h, out_w;
  std::uint32_t columns;          // packs in a pixel of `out`
  std::int64_t upsampling;        // upsampling factor in each direction, 1 or 2
  std::int64_t image_h, image_w;  // size of the upsampled image, which may be cropped
  std::int64_t padding;           // zeros above and left; the rest of `out` is zeros below and right

  STREAMDIFFUSION_HD void operator()(std::uint32_t i) const {
    const std::int64_t pixel = i / columns;
    const std::int64_t channel = i % columns * V;
    const std::int64_t px = pixel % out_w - padding;
    const std::int64_t py = pixel / out_w % out_h - padding;
    const std::int64_t row = pixel / out_w / out_h;
    Pack<T, V> pack;
    if (px < 0 || py < 0 || px >= image_w || py >= image_h || channel >= x_channels) {
      for (T& value : pack.values) {
        value = from_float<T>(0.0F);
      }
    } else {
      pack = x.template load<V>((row * x_h + py / upsampling) * x_w + px / upsampling, channel);
    }
    out.template store<V>(pixel, channel, pack);
  }
};

/// Returns activation(value + residual[pixel][channel]). An empty residual adds nothing.
template <typename T>
STREAMDIFFUSION_HD T add_and_activate(float value, const View<T>& residual, std::int64_t pixel,
                                      std::int64_t channel, Activation activation) {
  if (residual.data != nullptr) {
    value += to_float(residual.data[pixel * residual.stride + channel]);
  }
  return from_float<T>(activate(activation, value));
}

/// out = activation(x + bias + row_bias + residual). Terms that are null or empty are omitted.
template <typename T, int V>
struct Finish {
  View<T> x;
  const T* bias;
  View<T> row_bias;
  View<T> residual;
  View<T> out;
  std::uint32_t columns;
  std::int64_t row_pixels;
  Activation activation;

  STREAMDIFFUSION_HD void operator()(std::uint32_t i) const {
    const std::int64_t pixel = i / columns;
    const std::int64_t channel = i % columns * V;
    Pack<T, V> pack = x.template load<V>(pixel, channel);
    for (int v = 0; v < V; ++v) {
      float value = to_float(pack.values[v]);
      if (bias != nullptr) {
        value += to_float(bias[channel + v]);
      }
      if (row_bias.data != nullptr) {
        value += to_float(row_bias.data[pixel / row_pixels * row_bias.stride + channel + v]);
      }
      pack.values[v] = add_and_activate(value, residual, pixel, channel + v, activation);
    }
    out.template store<V>(pixel, channel, pack);
  }
};

/// out = activation(first half of x * gelu(second half) + residual)
template <typename T, int V>
struct Geglu {
  View<T> x;
  View<T> residual;
  View<T> out;
  std::uint32_t columns;  // packs in a pixel of `out`
  std::int64_t gate;      // first channel of the second half of x
  Activation activation;

  STREAMDIFFUSION_HD void operator()(std::uint32_t i) const {
    const std::int64_t pixel = i / columns;
    const std::int64_t channel = i % columns * V;
    Pack<T, V> pack = x.template load<V>(pixel, channel);
    const Pack<T, V> gates = x.template load<V>(pixel, gate + channel);
    for (int v = 0; v < V; ++v) {
      float value = to_float(pack.values[v]) * gelu(to_float(gates.values[v]));
      pack.values[v] = add_and_activate(value, residual, pixel, channel + v, activation);
    }
    out.template store<V>(pixel, channel, pack);
  }
};

/// out = pixel * scale / 255 + shift, from 8-bit pixels. A thread computes one element.
template <typename T>
struct FromPixels {
  const std::uint8_t* pixels;
  T* out;
  float scale;
  float shift;

  STREAMDIFFUSION_HD void operator()(std::uint32_t i) const {
    out[i] = from_float<T>(static_cast<float>(pixels[i]) * (scale / 255.0F) + shift);
  }
};

/// pixel = (x * scale + shift) * 255, clamped to 0 to 255 and rounded. A thread computes one element.
template <typename T>
struct ToPixels {
  const T* x;
  std::uint8_t* pixels;
  float scale;
  float shift;

  STREAMDIFFUSION_HD void operator()(std::uint32_t i) const {
    const float value = (to_float(x[i]) * scale + shift) * 255.0F;
    pixels[i] = static_cast<std::uint8_t>(rintf(fminf(fmaxf(value, 0.0F), 255.0F)));
  }
};

/// Converts float32 values to activations. A thread converts one element.
template <typename T>
struct FromFloats {
  const float* x;
  T* out;
  STREAMDIFFUSION_HD void operator()(std::uint32_t i) const { out[i] = from_float<T>(x[i]); }
};
/// Converts activations to float32 values. A thread converts one element.
template <typename T>
struct ToFloats {
  const T* x;
  float* out;
  STREAMDIFFUSION_HD void operator()(std::uint32_t i) const { out[i] = to_float(x[i]); }
};

/// Reorders weights from PyTorch's [out][in][tap] to [out][tap][in], with zeros in the added channels. A
/// thread writes one element of `out`.
template <typename T>
struct PackWeights {
  const float* weight;
  T* out;
  std::uint32_t out_channels, in_channels, taps;
  std::uint32_t padded_in_channels;

  STREAMDIFFUSION_HD void operator()(std::uint32_t i) const {
    const std::uint32_t in = i % padded_in_channels;
    const std::uint32_t tap = i / padded_in_channels % taps;
    const std::uint32_t o = i / padded_in_channels / taps;
    const bool inside = o < out_channels && in < in_channels;
    const std::int64_t from = (std::int64_t{o} * in_channels + in) * taps + tap;
    out[i] = from_float<T>(inside ? weight[from] : 0.0F);
  }
};

}  // namespace streamdiffusion::cuda
