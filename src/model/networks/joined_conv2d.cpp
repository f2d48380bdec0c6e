#include "model/networks/joined_conv2d.h"

#include <algorithm>

namespace streamdiffusion {

namespace {

// Input lines that an outermost output line depends on. If the image is halved, these are 3 lines,
// rounded up to 4 because two input lines make one output line.
constexpr std::int64_t kRimOfEnlarged = 2;
constexpr std::int64_t kRimOfHalved = 4;

/// A range of lines or of columns.
struct Stretch {
  std::int64_t first;
  std::int64_t count;
};

/// Returns up to `most` of `size` lines at an edge, or all lines if the edge is none.
Stretch at_edge(Edge edge, std::int64_t size, std::int64_t most) {
  const std::int64_t count = edge == Edge::none ? size : std::min(size, most);
  return {edge == Edge::last ? size - count : 0, count};
}

/// Returns a rectangle of a dense image as a tensor with one pixel per line, which Device::copy can move.
Tensor part_of(const Tensor& picture, const Stretch& lines, const Stretch& columns) {
  const Shape& shape = picture.shape;
  return picture.shaped({.w = shape.h, .c = shape.w * shape.c})
      .pixels(lines.first, lines.count)
      .channels(columns.first * shape.c, columns.count * shape.c);
}

Tensor all_of(const Tensor& picture) { return part_of(picture, {0, picture.shape.h}, {0, picture.shape.w}); }

}  // namespace

JoinedConv2d::JoinedConv2d(LayerLoader& layers, const NamedConv2d& first, const NamedConv2d& second)
    : enlarges_(first.options.resample == Resample::up), between_channels_(first.out) {
  if (!layers.gains_by_joining()) {
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
    by_both(context, x, out);
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
  // A halved image has even sides, so its last outputs see no padding.
  return std::span(kEdges).first(enlarges_ ? 3 : 2);
}

void JoinedConv2d::by_both(Context& context, const Tensor& x, const Tensor& out) const {
  const Arena::Scope scope(context.arena);
  const std::int64_t scale = enlarges_ ? 2 : 1;
  const Tensor between =
      context.arena.allocate({x.shape.n, x.shape.h * scale, x.shape.w * scale, between_channels_});
  context.device.conv2d(x, *first_, {.padding = 1}, between);
  context.device.conv2d(between, *second_, {.padding = 1}, out);
}

void JoinedConv2d::compute_edge(Context& context, const Tensor& x, const Tensor& out, Edge vertical,
                                Edge horizontal) const {
  const Arena::Scope scope(context.arena);
  const std::int64_t rim = enlarges_ ? kRimOfEnlarged : kRimOfHalved;
  const Stretch lines = at_edge(vertical, x.shape.h, rim);
  const Stretch columns = at_edge(horizontal, x.shape.w, rim);
  const Tensor seen = context.arena.allocate({1, lines.count, columns.count, x.shape.c});
  context.device.copy(part_of(x, lines, columns), all_of(seen));
  const auto scaled = [&](std::int64_t side) { return enlarges_ ? side * 2 : side / 2; };
  const Tensor made = context.arena.allocate({1, scaled(lines.count), scaled(columns.count), out.shape.c});
  context.device.conv2d(seen, joined(vertical, horizontal), {.padding = 2}, made);
  const auto outermost = [&](const Tensor& picture) {
    return part_of(picture, at_edge(vertical, picture.shape.h, 1), at_edge(horizontal, picture.shape.w, 1));
  };
  context.device.copy(outermost(made), outermost(out));
}

}  // namespace streamdiffusion
