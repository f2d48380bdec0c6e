#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/tensor.h"
#include "device/device.h"

namespace streamdiffusion {

/// Memory for activations, given out in the order of a stack: what is allocated inside a `Scope` is free
/// again at its end. The same sequence of calls gives the same addresses, and after the first such sequence
/// allocates nothing.
class Arena {
 public:
  explicit Arena(Device& device) : device_(device) {}
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  /// Uninitialised; lives until the innermost scope ends.
  Tensor allocate(const Shape& shape) { return allocate(shape, device_.dtype()); }
  /// The same in the device's precise type.
  Tensor allocate_precise(const Shape& shape) { return allocate(shape, device_.precise_dtype()); }

  /// Bytes held, whether in use or not.
  [[nodiscard]] std::size_t bytes() const;

  /// Frees everything; no scope may be open.
  void release();

  class Scope {
   public:
    explicit Scope(Arena& arena) : arena_(arena), chunk_(arena.chunk_), used_(arena.used_) {}
    ~Scope() {
      arena_.chunk_ = chunk_;
      arena_.used_ = used_;
    }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    Arena& arena_;
    std::size_t chunk_;
    std::size_t used_;
  };

 private:
  Tensor allocate(const Shape& shape, DType type);

  Device& device_;
  std::vector<Buffer> chunks_;
  std::size_t chunk_ = 0;  // the chunk that allocations come from
  std::size_t used_ = 0;   // bytes used in it
};

}  // namespace streamdiffusion
