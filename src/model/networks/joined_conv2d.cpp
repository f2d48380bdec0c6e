#include "model/networks/joined_conv2d.h"

#include <algorithm>

namespace streamdiffusion {

namespace {

// Input lines that an outermost output line depends on. If the image is downsampled by 2, these are
// 3 lines, rounded up to 4 because two input lines make one output line.
constexpr std::int64_t kEdgeLinesUpsampled = 2;
constexpr std::int64_t kEdgeLinesDownsampled = 4;

/// A range of lines or of columns.
struct LineRange {
  std::int64_t first;
  std::int64_t count;
};

/// Returns up to `most` of `size` lines at an edge, or all lines if the edge is none.
LineRange select_lines(Edge edge, std::int64_t size, std::int64_t most) {
  const std::int64_t count = edge == Edge::none ? size : std::min(size, most);
  return {edge == Edge::last ? size - count : 0, count};
}

/// Returns a rectangle of a dense image as a tensor with one pixel per line, which Device::copy can move.
Tensor view_rectangle(const Tensor& image, const LineRange& lines, const LineRange& columns) {
  const Shape& shape = image.shape;
  return image.shaped({.w = shape.h, .c = shape.w * shape.c})
      .pixels(lines.first, lines.count)
      .channels(columns.first * shape.c, columns.count * shape.c);
}

Tensor view_all(const Tensor& image) { return view_rectangle(image, {0, image.shape.h}, {0, image.shape.w}); }

}  // namespace

JoinedConv2d::JoinedConv2d(LayerLoader& layers, const NamedConv2d& first, const NamedConv2d& second)
    : upsamples_(first.options.resample == Resample::up), between_channels_(first.out) {
  if (!layers.prefers_joined_convolutions()) {
    first_ = layers.conv2d(first.name, first.in, first.out, 3, first.options);
    second_ = layers.conv2d(second.name, second.in, second.out, 3, second.options);
    return;
  }
  for (const Edge vertical : edges()) {
    for (const Edge horizontal : edges()) {
      joined_[static_cast<std::size_t>(vertical)][static_cast<std::size_t>(horizontal)] =
          layers.joined_conv2d(first, second, vertical, horizontal);
    }
  }
}

void JoinedConv2d::forward(Context& context, const Tensor& x, const Tensor& out) const {
  if (first_ != nullptr) {
    compute_separately(context, x, out);
    return;
  }
  context.device.conv2d(x, joined(Edge::none, Edge::none), {.padding = 2}, out);
  for (std::int64_t row = 0; row < x.shape.n; ++row) {
    // Corners overwrite parts of the lines and columns, so they are computed last.
    for (const Edge vertical : edges()) {
      for (const Edge horizontal : edges()) {
        if (vertical != Edge::none || horizontal != Edge::none) {
          compute_edge(context, x.rows(row, 1), out.rows(row, 1), vertical, horizontal);
        }
      }
    }
  }
}

std::span<const Edge> JoinedConv2d::edges() const {
  static constexpr Edge kEdges[] = {Edge::none, Edge::first, Edge::last};
  // An image that is downsampled has even sides, so its last outputs see no padding.
  return std::span(kEdges).first(upsamples_ ? 3 : 2);
}

void JoinedConv2d::compute_separately(Context& context, const Tensor& x, const Tensor& out) const {
  const Arena::Scope scope(context.arena);
  const std::int64_t scale = upsamples_ ? 2 : 1;
  const Tensor between =
      context.arena.allocate({x.shape.n, x.shape.h * scale, x.shape.w * scale, between_channels_});
  context.device.conv2d(x, *first_, {.padding = 1}, between);
  context.device.conv2d(between, *second_, {.padding = 1}, out);
}

void JoinedConv2d::compute_edge(Context& context, const Tensor& x, const Tensor& out, Edge vertical,
                                Edge horizontal) const {
  const Arena::Scope scope(context.arena);
  const std::int64_t edge_lines = upsamples_ ? kEdgeLinesUpsampled : kEdgeLinesDownsampled;
  const LineRange lines = select_lines(vertical, x.shape.h, edge_lines);
  const LineRange columns = select_lines(horizontal, x.shape.w, edge_lines);
  const Tensor seen = context.arena.allocate({1, lines.count, columns.count, x.shape.c});
  context.device.copy(view_rectangle(x, lines, columns), view_all(seen));
  const auto scaled = [&](std::int64_t side) { return upsamples_ ? side * 2 : side / 2; };
  const Tensor made = context.arena.allocate({1, scaled(lines.count), scaled(columns.count), out.shape.c});
  context.device.conv2d(seen, joined(vertical, horizontal), {.padding = 2}, made);
  const auto outermost = [&](const Tensor& image) {
    return view_rectangle(image, select_lines(vertical, image.shape.h, 1),
                          select_lines(horizontal, image.shape.w, 1));
  };
  context.device.copy(outermost(made), outermost(out));
}

}  // namespace streamdiffusion
