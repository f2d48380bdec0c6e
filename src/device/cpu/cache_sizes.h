#pragma once

#include <algorithm>
#include <cstdint>

namespace streamdiffusion::cpu {

constexpr std::int64_t kMebibyte = std::int64_t{1} << 20U;

/// Sizes of the processor's caches in bytes. The defaults stand for sizes that are unknown.
struct CacheSizes {
  std::int64_t second_level = 2 * kMebibyte;  ///< Cache of one core.
  std::int64_t last_level = 32 * kMebibyte;   ///< Cache that the cores share.

  /// Returns this machine's caches.
  static CacheSizes detect();

  /// The part of a cache that work is divided by. It is at most the cache of Zen 4, for which the shares were
  /// chosen (2026-11). Whether larger caches gain by larger pieces has not been measured.
  [[nodiscard]] std::int64_t used_second_level() const { return std::min(second_level, kMebibyte); }
  [[nodiscard]] std::int64_t used_last_level() const { return std::min(last_level, 32 * kMebibyte); }

  bool operator==(const CacheSizes&) const = default;
};

/// The caches by which work is divided where the division changes the last digits of results. They are the
/// same for all machines, so that all machines have the same results.
constexpr CacheSizes kReferenceCaches;

}  // namespace streamdiffusion::cpu
