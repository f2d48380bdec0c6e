#include "operations/operations.h"

#include <array>
#include <cstddef>
#include <memory>

#include "device/device_tensor.h"

namespace streamdiffusion {

namespace {

/// A tensor of ones. The values do not affect the time as long as nothing overflows.
DeviceTensor make_ones(Device& device, const Shape& shape) {
  DeviceTensor tensor(device, shape);
  const std::vector<float> values(static_cast<std::size_t>(shape.elements()), 1.0F);
  device.upload(values, tensor.view());
  return tensor;
}

/// The size in bytes of a float32 tensor.
double bytes(const Shape& shape) { return 4.0 * static_cast<double>(shape.elements()); }

std::string text(const Shape& shape) {
  return (shape.n > 1 ? std::to_string(shape.n) + "x" : "") + std::to_string(shape.h) + "x" +
         std::to_string(shape.w) + "x" + std::to_string(shape.c);
}

Shape resampled(Shape shape, Resample resample) {
  if (resample == Resample::down) {
    return {shape.n, (shape.h + 1) / 2, (shape.w + 1) / 2, shape.c};
  }
  return resample == Resample::up ? Shape{shape.n, shape.h * 2, shape.w * 2, shape.c} : shape;
}

/// The precisions in which each operation is measured.
constexpr std::array<Precision, 3> kPrecisions = {Precision::f32, Precision::bf16, Precision::int8};

std::string suffix(Precision precision) {
  switch (precision) {
    case Precision::f32:
      return "";
    case Precision::bf16:
      return "/bf16";
    case Precision::int16:
      return "/int16";
    case Precision::int8:
      return "/int8";
  }
  return "";
}

Operation conv2d(const Shape& in, std::int64_t out_channels, Resample resample, Precision precision,
                 std::int64_t kernel = 3) {
  const std::string resampling = resample == Resample::down ? "/down" : resample == Resample::up ? "/up" : "";
  const std::string kernel_size = kernel == 1 ? "/1x1" : kernel == 5 ? "/5x5" : "";
  const auto prepare = [=](Device& device) -> std::function<void()> {
    const std::vector<float> weight(static_cast<std::size_t>(out_channels * in.c * kernel * kernel), 0.01F);
    const std::vector<float> bias(static_cast<std::size_t>(out_channels), 0.1F);
    const Weights packed = device.pack_conv2d({.weight = weight,
                                               .bias = bias,
                                               .out_channels = out_channels,
                                               .in_channels = in.c,
                                               .kernel = kernel,
                                               .resample = resample,
                                               .precision = precision,
                                               .typical_size = in.h});
    Shape out_shape = resampled(in, resample);
    out_shape.c = out_channels;
    const auto x = std::make_shared<DeviceTensor>(make_ones(device, in));
    const auto out = std::make_shared<DeviceTensor>(device, out_shape);
    return [=, &device] { device.conv2d(x->view(), *packed, {.padding = kernel / 2}, out->view()); };
  };
  return {"conv2d/" + text(in) + "->" + std::to_string(out_channels) + kernel_size + resampling +
              suffix(precision),
          prepare};
}

Operation linear(std::int64_t tokens, std::int64_t in_channels, std::int64_t out_channels, bool geglu,
                 Precision precision) {
  const auto prepare = [=](Device& device) -> std::function<void()> {
    const std::vector<float> weight(static_cast<std::size_t>(out_channels * in_channels), 0.01F);
    const std::vector<float> bias(static_cast<std::size_t>(out_channels), 0.1F);
    const Weights packed = device.pack_linear({.weight = weight,
                                               .bias = bias,
                                               .out_channels = out_channels,
                                               .in_channels = in_channels,
                                               .geglu = geglu,
                                               .precision = precision});
    const auto x = std::make_shared<DeviceTensor>(make_ones(device, {1, 1, tokens, in_channels}));
    const auto out =
        std::make_shared<DeviceTensor>(device, Shape{1, 1, tokens, geglu ? out_channels / 2 : out_channels});
    return [=, &device] { device.linear(x->view(), *packed, {}, out->view()); };
  };
  return {"linear/" + std::to_string(tokens) + "x" + std::to_string(in_channels) + "->" +
              std::to_string(out_channels) + (geglu ? "/geglu" : "") + suffix(precision),
          prepare};
}

Operation group_norm(const Shape& shape, std::int64_t groups) {
  const auto prepare = [=](Device& device) -> std::function<void()> {
    const Weights gain = device.pack_vector(std::vector<float>(static_cast<std::size_t>(shape.c), 1.1F));
    const auto x = std::make_shared<DeviceTensor>(make_ones(device, shape));
    const auto out = std::make_shared<DeviceTensor>(device, shape);
    return [=, &device] {
      device.group_norm(x->view(), *gain, *gain, groups, 1e-5F, Activation::silu, out->view());
    };
  };
  return {"group_norm/" + text(shape), prepare, 2 * bytes(shape)};
}

Operation layer_norm(std::int64_t tokens, std::int64_t channels) {
  const Shape shape{1, 1, tokens, channels};
  const auto prepare = [=](Device& device) -> std::function<void()> {
    const Weights gain = device.pack_vector(std::vector<float>(static_cast<std::size_t>(channels), 1.1F));
    const auto x = std::make_shared<DeviceTensor>(make_ones(device, shape));
    const auto out = std::make_shared<DeviceTensor>(device, shape);
    return [=, &device] { device.layer_norm(x->view(), *gain, *gain, 1e-5F, out->view()); };
  };
  return {"layer_norm/" + std::to_string(tokens) + "x" + std::to_string(channels), prepare, 2 * bytes(shape)};
}

Operation attention(std::int64_t queries, std::int64_t keys, std::int64_t heads, std::int64_t head_size,
                    bool causal, Precision precision) {
  const auto prepare = [=](Device& device) -> std::function<void()> {
    const std::int64_t channels = heads * head_size;
    const auto q = std::make_shared<DeviceTensor>(make_ones(device, {1, 1, queries, channels}));
    const auto k = std::make_shared<DeviceTensor>(make_ones(device, {1, 1, keys, channels}));
    const auto v = std::make_shared<DeviceTensor>(make_ones(device, {1, 1, keys, channels}));
    const auto out = std::make_shared<DeviceTensor>(device, Shape{1, 1, queries, channels});
    return [=, &device] {
      device.attention(q->view(), k->view(), v->view(),
                       {.heads = heads, .causal = causal, .precision = precision}, out->view());
    };
  };
  return {"attention/" + std::to_string(queries) + "x" + std::to_string(keys) + "/" + std::to_string(heads) +
              "x" + std::to_string(head_size) + (causal ? "/causal" : "") + suffix(precision),
          prepare};
}

Operation map(const Shape& shape, Activation activation, const std::string& name) {
  const auto prepare = [=](Device& device) -> std::function<void()> {
    const auto x = std::make_shared<DeviceTensor>(make_ones(device, shape));
    const auto out = std::make_shared<DeviceTensor>(device, shape);
    return [=, &device] { device.map(x->view(), 0.5F, activation, 1, 0, out->view()); };
  };
  return {"map/" + name + "/" + text(shape), prepare, 2 * bytes(shape)};
}

/// Copies a tensor into half of another one's channels, as is done to concatenate a skip connection.
Operation copy(const Shape& shape) {
  const auto prepare = [=](Device& device) -> std::function<void()> {
    Shape joined = shape;
    joined.c *= 2;
    const auto x = std::make_shared<DeviceTensor>(make_ones(device, shape));
    const auto out = std::make_shared<DeviceTensor>(device, joined);
    return [=, &device] { device.copy(x->view(), out->view().channels(shape.c, shape.c)); };
  };
  return {"copy/" + text(shape), prepare, 2 * bytes(shape)};
}

Operation combine(const Shape& shape) {
  const auto prepare = [=](Device& device) -> std::function<void()> {
    const auto x = std::make_shared<DeviceTensor>(make_ones(device, shape));
    const auto y = std::make_shared<DeviceTensor>(make_ones(device, shape));
    const auto out = std::make_shared<DeviceTensor>(device, shape);
    const std::vector<float> factors(static_cast<std::size_t>(shape.n), 0.5F);
    return [=, &device] { device.combine(x->view(), factors, y->view(), factors, out->view()); };
  };
  return {"combine/" + text(shape), prepare, 3 * bytes(shape)};
}

Operation cosine_similarity(const Shape& shape) {
  const auto prepare = [=](Device& device) -> std::function<void()> {
    const auto x = std::make_shared<DeviceTensor>(make_ones(device, shape));
    const auto y = std::make_shared<DeviceTensor>(make_ones(device, shape));
    return [=, &device] { static_cast<void>(device.cosine_similarity(x->view(), y->view())); };
  };
  return {"cosine_similarity/" + text(shape), prepare, 2 * bytes(shape)};
}

Operation upload_pixels(const Shape& shape) {
  const auto prepare = [=](Device& device) -> std::function<void()> {
    const std::vector<std::uint8_t> pixels(static_cast<std::size_t>(shape.elements()), 100);
    const auto out = std::make_shared<DeviceTensor>(device, shape);
    return [=, &device] { device.upload_pixels(pixels.data(), 2, -1, out->view()); };
  };
  return {"upload_pixels/" + text(shape), prepare, 1.25 * bytes(shape)};
}

Operation download_pixels(const Shape& shape) {
  const auto prepare = [=](Device& device) -> std::function<void()> {
    const auto pixels =
        std::make_shared<std::vector<std::uint8_t>>(static_cast<std::size_t>(shape.elements()));
    const auto x = std::make_shared<DeviceTensor>(make_ones(device, shape));
    return [=, &device] { device.download_pixels(x->view(), 0.5F, 0.5F, pixels->data()); };
  };
  return {"download_pixels/" + text(shape), prepare, 1.25 * bytes(shape)};
}

/// Adds the operations of a stream that are not layers of its networks, for images of side x side pixels.
void add_frame(std::vector<Operation>& all, std::int64_t side) {
  const Shape image{1, side, side, 3};
  const Shape latents{4, side / 8, side / 8, 4};  // A stream batch of four steps.
  all.push_back(upload_pixels(image));
  all.push_back(download_pixels(image));
  all.push_back(cosine_similarity(image));
  all.push_back(combine(latents));
  all.push_back(map(latents, Activation::tanh, "tanh"));  // The first operation of TAESD's decoder.
}

/// Adds a convolution in every precision.
void add_conv2d(std::vector<Operation>& all, const Shape& in, std::int64_t out_channels,
                Resample resample = Resample::none, std::int64_t kernel = 3) {
  for (const Precision precision : kPrecisions) {
    all.push_back(conv2d(in, out_channels, resample, precision, kernel));
  }
}

void add_linear(std::vector<Operation>& all, std::int64_t tokens, std::int64_t in_channels,
                std::int64_t out_channels, bool geglu = false) {
  for (const Precision precision : kPrecisions) {
    all.push_back(linear(tokens, in_channels, out_channels, geglu, precision));
  }
}

void add_attention(std::vector<Operation>& all, std::int64_t queries, std::int64_t keys, std::int64_t heads,
                   std::int64_t head_size, bool causal = false) {
  for (const Precision precision : {Precision::f32, Precision::bf16, Precision::int8}) {
    all.push_back(attention(queries, keys, heads, head_size, causal, precision));
  }
}

void add_sd_turbo(std::vector<Operation>& all) {
  add_conv2d(all, {1, 64, 64, 4}, 320);
  add_conv2d(all, {1, 64, 64, 320}, 320);
  add_conv2d(all, {1, 64, 64, 960}, 320);
  add_conv2d(all, {1, 64, 64, 320}, 320, Resample::down);
  add_conv2d(all, {1, 32, 32, 640}, 640);
  add_conv2d(all, {1, 32, 32, 640}, 640, Resample::up);
  add_conv2d(all, {1, 16, 16, 1280}, 1280);
  add_conv2d(all, {1, 16, 16, 2560}, 1280);
  add_conv2d(all, {1, 8, 8, 1280}, 1280);
  add_conv2d(all, {4, 8, 8, 1280}, 1280);                     // A stream batch of four steps.
  add_conv2d(all, {1, 64, 64, 960}, 320, Resample::none, 1);  // The shortcut of a ResNet block.
  add_conv2d(all, {1, 16, 16, 2560}, 1280, Resample::none, 1);
  add_conv2d(all, {1, 64, 64, 320}, 4);
  all.push_back(copy({1, 64, 64, 320}));
  all.push_back(copy({1, 16, 16, 1280}));
  for (const std::int64_t level : {0, 1, 2}) {
    const std::int64_t tokens = 4096 >> (2 * level);
    const std::int64_t channels = 320 << level;
    add_linear(all, tokens, channels,
               channels);  // A transformer's input, output and query projections.
    add_linear(all, tokens, channels, 3 * channels);
    add_linear(all, tokens, channels, 8 * channels, true);
    add_linear(all, tokens, 4 * channels, channels);
    add_attention(all, tokens, tokens, channels / 64, 64);
    add_attention(all, tokens, 77, channels / 64, 64);
    all.push_back(group_norm({1, 64 >> level, 64 >> level, channels}, 32));
    all.push_back(layer_norm(tokens, channels));
  }
  add_attention(all, 77, 77, 16, 64, true);  // The text encoder.
  add_linear(all, 77, 1024, 3072);
  add_linear(all, 77, 1024, 4096);
  add_linear(all, 77, 4096, 1024);
  all.push_back(layer_norm(77, 1024));
  add_linear(all, 1, 320, 1280);  // The time embedding.
  all.push_back(map({1, 1, 1, 1280}, Activation::silu, "silu"));
  add_attention(all, 4096, 4096, 8, 40);  // The heads of Stable Diffusion 1.5.
  add_conv2d(all, {1, 512, 512, 3}, 64);  // TAESD's layers.
  add_conv2d(all, {1, 512, 512, 64}, 64);
  add_conv2d(all, {1, 256, 256, 64}, 64);
  add_conv2d(all, {1, 256, 256, 64}, 64, Resample::up);
  all.push_back(conv2d({1, 256, 256, 64}, 64, Resample::up,
                       Precision::int16));  // The last layer of TAESD's decoder with int8.
  add_conv2d(all, {1, 512, 512, 64}, 64, Resample::down);
  add_conv2d(all, {1, 512, 512, 64}, 3);
  add_frame(all, 512);
}

void add_default_model(std::vector<Operation>& all) {
  for (const std::int64_t level : {0, 1, 2}) {
    const std::int64_t side = 16 >> level;
    const std::int64_t channels = 48 << level;
    add_conv2d(all, {1, side, side, channels}, channels);
    add_conv2d(all, {4, side, side, channels}, channels);
    add_conv2d(all, {1, side, side, 2 * channels}, channels, Resample::none, 1);
    all.push_back(group_norm({1, side, side, channels}, 16));
    if (level > 0) {
      add_linear(all, side * side, channels, 3 * channels);
      add_linear(all, side * side, channels, 8 * channels, true);
      add_linear(all, side * side, 4 * channels, channels);
      add_attention(all, side * side, side * side, channels / 32, 32);
      add_attention(all, side * side, 24, channels / 32, 32);
      all.push_back(layer_norm(side * side, channels));
    }
  }
  all.push_back(conv2d({1, 128, 128, 3}, 32, Resample::down, Precision::f32, 5));
  add_conv2d(all, {1, 64, 64, 32}, 32);
  add_conv2d(all, {1, 64, 64, 32}, 32, Resample::down);
  add_conv2d(all, {1, 32, 32, 32}, 32, Resample::up);
  all.push_back(conv2d({1, 64, 64, 32}, 3, Resample::up, Precision::f32, 5));
  add_frame(all, 128);
}

}  // namespace

std::vector<Operation> operations() {
  std::vector<Operation> all;
  add_sd_turbo(all);
  add_default_model(all);
  return all;
}

}  // namespace streamdiffusion
