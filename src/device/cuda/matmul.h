#pragma once

#include <cublasLt.h>
#include <cuda_runtime_api.h>

#include <compare>
#include <cstdint>
#include <map>
#include <memory>

#include "device/device.h"

namespace streamdiffusion::cuda {

/// d [m, n] = alpha * a [m, k] * b + c + bias, all row-major; b is [n, k] or [k, n]. Sums are in float32.
/// `stride_*`: elements from line to line; `batch_*`: from one product to the next.
struct Product {
  DType type = DType::f16;    ///< of a, b and the bias
  DType result = DType::f16;  ///< of c and d
  bool b_is_n_by_k = true;
  std::int64_t m = 0;
  std::int64_t n = 0;
  std::int64_t k = 0;
  std::int64_t stride_a = 0;
  std::int64_t stride_b = 0;
  std::int64_t stride_c = 0;  ///< 0: there is no c
  std::int64_t stride_d = 0;
  std::int64_t count = 1;  ///< products
  std::int64_t batch_a = 0;
  std::int64_t batch_b = 0;
  std::int64_t batch_d = 0;
  bool bias = false;
  std::uint32_t alignment_a = 16;  ///< bytes that the addresses are multiples of
  std::uint32_t alignment_b = 16;
  std::uint32_t alignment_c = 16;
  std::uint32_t alignment_d = 16;

  auto operator<=>(const Product&) const =
      default;  // NOLINT(modernize-use-nullptr): a mistake of clang-tidy 14
};

/// The largest power of two, up to 256, that an address is a multiple of.
std::uint32_t alignment_of(const void* address);

/// Matrix products by cuBLASLt, whose choice is made once for each Product.
class Matmul {
 public:
  /// The workspace is taken from `device`.
  explicit Matmul(Device& device);
  ~Matmul();
  Matmul(const Matmul&) = delete;
  Matmul& operator=(const Matmul&) = delete;

  /// `c` may be `d` where their strides are the same. Fills in the alignments.
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
