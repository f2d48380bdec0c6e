#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/tensor.h"
#include "device/device.h"

namespace streamdiffusion {

/// A stack allocator for activations: memory allocated inside a `Scope` is freed at the scope's end.
///
/// The same sequence of calls returns the same addresses, so that a device can repeat recorded operations.
/// Only the first such sequence allocates memory of the device.
class Arena {
 public:
  explicit Arena(Device& device) : device_(device) {}
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  /// Returns an uninitialised dense tensor of the device's activation type. It lives until the innermost
  /// scope ends.
  Tensor allocate(const Shape& shape) { return allocate(shape, device_.dtype()); }
  /// Returns such a tensor of the device's precise type.
  Tensor allocate_precise(const Shape& shape) { return allocate(shape, device_.precise_dtype()); }

  /// Bytes of device memory held, in use or not.
  [[nodiscard]] std::size_t bytes() const;

  /// Returns all memory to the device. No scope may be open.
  void release();

  /// Frees at its end all memory that the arena allocated since its beginning.
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
  std::size_t chunk_ = 0;  // index of the chunk that allocations come from
  std::size_t used_ = 0;   // bytes used in that chunk
};

}  // namespace streamdiffusion
