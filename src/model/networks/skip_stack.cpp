#include "model/networks/skip_stack.h"

#include <cassert>

namespace streamdiffusion {

SkipStack::SkipStack(Context& context, const Shape& sample, std::span<const Junction> junctions)
    : pool_(memory_.data(), memory_.size()), joined_(&pool_), junctions_(junctions) {
  joined_.reserve(junctions.size());
  for (const Junction& junction : junctions) {
    Shape shape = with_channels(sample, junction.hidden_channels + junction.skip_channels);
    for (int level = 0; level < junction.level; ++level) {
      shape.h = (shape.h + 1) / 2;
      shape.w = (shape.w + 1) / 2;
    }
    joined_.push_back(context.arena.allocate(shape));
  }
}

Tensor SkipStack::push() {
  assert(pushed_ < joined_.size());
  return skip(pushed_++ - 1);
}

Tensor SkipStack::skip(std::size_t index) const {
  const Junction& junction = junctions_[index + 1];
  return joined_[index + 1].channels(junction.hidden_channels, junction.skip_channels);
}

Tensor SkipStack::pop() {
  assert(pushed_ > 0);
  return joined_[--pushed_];
}

Tensor SkipStack::hidden() const {
  assert(pushed_ > 0);
  return joined_[pushed_ - 1].channels(0, junctions_[pushed_ - 1].hidden_channels);
}

}  // namespace streamdiffusion
