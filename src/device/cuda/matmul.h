#pragma once

#include <cublasLt.h>
#include <cuda_runtime_api.h>

#include <compare>
#include <cstdint>
#include <map>
#include <memory>

#include "device/device.h"

namespace streamdiffusion::cuda {

/// Description of a batch of matrix products d [m, n] = alpha * a [m, k] * b + c + bias, all row-major.
///
/// b is [n, k] or [k, n]. Sums are float32. `stride_*` is the elements between neighbouring lines, `batch_*`
/// the elements between neighbouring products.
struct Product {
  DType type = DType::f16;    ///< Type of a, b and bias.
  DType result = DType::f16;  ///< Type of c and d.
  bool b_is_n_by_k = true;
  std::int64_t m = 0;
  std::int64_t n = 0;
  std::int64_t k = 0;
  std::int64_t stride_a = 0;
  std::int64_t stride_b = 0;
  std::int64_t stride_c = 0;  ///< 0: no c.
  std::int64_t stride_d = 0;
  std::int64_t count = 1;  ///< Number of products.
  std::int64_t batch_a = 0;
  std::int64_t batch_b = 0;
  std::int64_t batch_d = 0;
  bool bias = false;
  std::uint32_t alignment_a = 16;  ///< Alignment of a's address in bytes.
  std::uint32_t alignment_b = 16;
  std::uint32_t alignment_c = 16;
  std::uint32_t alignment_d = 16;

  auto operator<=>(const Product&) const =
      default;  // NOLINT(modernize-use-nullptr): a mistake of clang-tidy 14
};

/// Returns the largest power of two, up to 256, that divides an address.
std::uint32_t alignment_of(const void* address);

/// Runs matrix products by cuBLASLt. It chooses one algorithm for each Product and keeps it.
class Matmul {
 public:
  /// Allocates the workspace from `device`, which must outlive the object.
  explicit Matmul(Device& device);
  ~Matmul();
  Matmul(const Matmul&) = delete;
  Matmul& operator=(const Matmul&) = delete;

  /// Queues the product. Overwrites the alignments in `product` with those of the pointers. `c` may be `d` if
  /// their strides are equal.
  void run(cudaStream_t stream, Product product, float alpha, const void* a, const void* b, const void* c,
           const void* bias, void* d);

 private:
  struct Plan;
  Plan& plan(const Product& product);

  cublasLtHandle_t handle_ = nullptr;
  Buffer workspace_;
  std::map<Product, std::unique_ptr<Plan>> plans_;
};

}  // namespace streamdiffusion::cuda
