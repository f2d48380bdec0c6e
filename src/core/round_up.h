#pragma once

#include <concepts>
#include <type_traits>

#include "core/round_up.h"

namespace streamdiffusion {

/// n / by, rounded up; both positive, as in what follows.
template <std::integral T>
constexpr T divide_up(T n, std::type_identity_t<T> by) {
  return (n + by - 1) / by;
}

/// The next multiple, or n itself.
template <std::integral T>
constexpr T round_up(T n, std::type_identity_t<T> multiple) {
  return divide_up(n, multiple) * multiple;
}

}  // namespace streamdiffusion
