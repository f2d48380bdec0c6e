#pragma once

#include <concepts>
#include <type_traits>

namespace streamdiffusion {

/// Returns n / by, rounded up. Both must be positive.
template <std::integral T>
constexpr T divide_up(T n, std::type_identity_t<T> by) {
  return (n + by - 1) / by;
}

/// Returns the smallest multiple of `multiple` that is at least n. Both must be positive.
template <std::integral T>
constexpr T round_up(T n, std::type_identity_t<T> multiple) {
  return divide_up(n, multiple) * multiple;
}

}  // namespace streamdiffusion
