#include "host_tensor.h"

#include <utility>

#include "streamdiffusion/error.h"

namespace streamdiffusion::conformance {

namespace {

void check_rank(const HostTensor& host, std::size_t rank) {
  if (host.shape.size() != rank) {
    throw Error("a tensor has " + std::to_string(host.shape.size()) + " dimensions, must have " +
                std::to_string(rank));
  }
}

/// Calls `visit(index in NCHW, index in NHWC)` for each element.
template <typename Visit>
void for_each_element(const Shape& shape, Visit visit) {
  std::size_t planar = 0;
  for (std::int64_t n = 0; n < shape.n; ++n) {
    for (std::int64_t c = 0; c < shape.c; ++c) {
      for (std::int64_t pixel = 0; pixel < shape.h * shape.w; ++pixel) {
        visit(planar++, static_cast<std::size_t>((n * shape.h * shape.w + pixel) * shape.c + c));
      }
    }
  }
}

}  // namespace

DeviceTensor upload_image(Context context, const HostTensor& host) {
  check_rank(host, 4);
  const Shape shape{host.shape[0], host.shape[2], host.shape[3], host.shape[1]};
  const std::vector<float>& from = host.floats();
  std::vector<float> to(from.size());
  for_each_element(shape,
                   [&](std::size_t planar, std::size_t interleaved) { to[interleaved] = from[planar]; });
  DeviceTensor image(context.device, shape);
  context.device.upload(to, image.view());
  return image;
}

HostTensor download_image(Context context, const Tensor& image) {
  const Shape& shape = image.shape;
  std::vector<float> from(static_cast<std::size_t>(shape.elements()));
  context.device.download(image, from);
  std::vector<float> to(from.size());
  for_each_element(shape,
                   [&](std::size_t planar, std::size_t interleaved) { to[planar] = from[interleaved]; });
  return {{shape.n, shape.c, shape.h, shape.w}, std::move(to)};
}

DeviceTensor upload_tokens(Context context, const HostTensor& host) {
  check_rank(host, 3);
  DeviceTensor tokens(context.device, {host.shape[0], 1, host.shape[1], host.shape[2]});
  context.device.upload(host.floats(), tokens.view());
  return tokens;
}

}  // namespace streamdiffusion::conformance
