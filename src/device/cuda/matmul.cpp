#include "device/cuda/matmul.h"

#include <algorithm>
#include <cstdint>
#include <string>

#include "device/cuda/errors.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion::cuda {

namespace {

constexpr std::size_t kWorkspaceBytes = std::size_t{32} << 20U;  // NVIDIA's recommendation for Hopper
constexpr std::uint32_t kMostAlignment = 256;  // That of cudaMalloc, and cuBLASLt's default.

void check(cublasStatus_t status, const char* doing) {
  if (status != CUBLAS_STATUS_SUCCESS) {
    throw DeviceError(
        std::string("cuBLASLt failed ") + doing + ": " + cublasLtGetStatusString(status) +
        "; check that libcublasLt belongs to the CUDA version of this build, or use the device \"cpu\"");
  }
}

cudaDataType_t type_of(DType type) {
  return type == DType::f32 ? CUDA_R_32F : type == DType::f16 ? CUDA_R_16F : CUDA_R_16BF;
}

/// Owner of a cuBLASLt descriptor.
template <typename Handle, cublasStatus_t (*Destroy)(Handle)>
class Owned {
 public:
  Owned() = default;
  ~Owned() {
    if (handle != nullptr) {
      Destroy(handle);
    }
  }
  Owned(const Owned&) = delete;
  Owned& operator=(const Owned&) = delete;

  Handle handle = nullptr;
};
using Description = Owned<cublasLtMatmulDesc_t, &cublasLtMatmulDescDestroy>;
using Layout = Owned<cublasLtMatrixLayout_t, &cublasLtMatrixLayoutDestroy>;
using Preference = Owned<cublasLtMatmulPreference_t, &cublasLtMatmulPreferenceDestroy>;

template <typename Value>
void set(const Description& description, cublasLtMatmulDescAttributes_t attribute, const Value& value) {
  check(cublasLtMatmulDescSetAttribute(description.handle, attribute, &value, sizeof value),
        "describing a product");
}

template <typename Value>
void set(const Layout& layout, cublasLtMatrixLayoutAttribute_t attribute, const Value& value) {
  check(cublasLtMatrixLayoutSetAttribute(layout.handle, attribute, &value, sizeof value),
        "describing a matrix");
}

template <typename Value>
void set(const Preference& preference, cublasLtMatmulPreferenceAttributes_t attribute, const Value& value) {
  check(cublasLtMatmulPreferenceSetAttribute(preference.handle, attribute, &value, sizeof value),
        "describing what is wanted");
}

/// Describes a row-major matrix [lines, columns] as cuBLAS expects it: column-major, [columns, lines].
void describe(Layout& layout, DType type, std::int64_t lines, std::int64_t columns, std::int64_t stride,
              std::int64_t count, std::int64_t batch) {
  check(cublasLtMatrixLayoutCreate(&layout.handle, type_of(type), static_cast<std::uint64_t>(columns),
                                   static_cast<std::uint64_t>(lines), stride),
        "describing a matrix");
  if (count > 1) {
    set(layout, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, static_cast<std::int32_t>(count));
    set(layout, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, batch);
  }
}

}  // namespace

/// The cuBLASLt descriptors and the algorithm of one Product.
///
/// cuBLAS is column-major, so a row-major matrix is its transpose there. The plan computes d^T = b^T a^T,
/// which makes b the first operand.
struct Matmul::Plan {
  Plan(cublasLtHandle_t handle, const Product& p) {
    check(cublasLtMatmulDescCreate(&description.handle, CUBLAS_COMPUTE_32F, CUDA_R_32F),
          "describing a product");
    set(description, CUBLASLT_MATMUL_DESC_TRANSA, p.b_is_n_by_k ? CUBLAS_OP_T : CUBLAS_OP_N);
    if (p.bias) {
      set(description, CUBLASLT_MATMUL_DESC_EPILOGUE, CUBLASLT_EPILOGUE_BIAS);
      set(description, CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE, type_of(p.type));
    }
    describe(b, p.type, p.b_is_n_by_k ? p.n : p.k, p.b_is_n_by_k ? p.k : p.n, p.stride_b, p.count, p.batch_b);
    describe(a, p.type, p.m, p.k, p.stride_a, p.count, p.batch_a);
    describe(c, p.result, p.m, p.n, p.stride_c > 0 ? p.stride_c : p.stride_d, p.count, p.batch_d);
    describe(d, p.result, p.m, p.n, p.stride_d, p.count, p.batch_d);
    choose(handle, p);
  }

  void choose(cublasLtHandle_t handle, const Product& p) {
    Preference preference;
    check(cublasLtMatmulPreferenceCreate(&preference.handle), "describing what is wanted");
    set(preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, std::uint64_t{kWorkspaceBytes});
    set(preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, p.alignment_b);
    set(preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, p.alignment_a);
    set(preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, p.alignment_c);
    set(preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, p.alignment_d);
    int found = 0;
    const cublasStatus_t status =
        cublasLtMatmulAlgoGetHeuristic(handle, description.handle, b.handle, a.handle, c.handle, d.handle,
                                       preference.handle, 1, &choice, &found);
    if (status != CUBLAS_STATUS_SUCCESS || found == 0) {
      throw DeviceError("cuBLASLt knows no way to multiply [" + std::to_string(p.m) + ", " +
                        std::to_string(p.k) + "] by [" + std::to_string(p.k) + ", " + std::to_string(p.n) +
                        "] in " + to_string(p.type) + " (" + cublasLtGetStatusString(status) +
                        "); please report this, or use the device \"cpu\"");
    }
  }

  Description description;
  Layout a;
  Layout b;
  Layout c;
  Layout d;
  cublasLtMatmulHeuristicResult_t choice{};
};

std::uint32_t alignment_of(const void* address) {
  const auto value = reinterpret_cast<std::uintptr_t>(address);
  const std::uintptr_t lowest = value & (~value + 1);
  return lowest == 0 || lowest > kMostAlignment ? kMostAlignment : static_cast<std::uint32_t>(lowest);
}

Matmul::Matmul(Device& device) : workspace_(device.allocate(kWorkspaceBytes)) {
  check(cublasLtCreate(&handle_), "starting");
}

Matmul::~Matmul() {
  plans_.clear();
  cublasLtDestroy(handle_);
}

Matmul::Plan& Matmul::plan(const Product& product) {
  std::unique_ptr<Plan>& plan = plans_[product];
  if (!plan) {
    plan = std::make_unique<Plan>(handle_, product);
  }
  return *plan;
}

void Matmul::run(cudaStream_t stream, Product product, float alpha, const void* a, const void* b,
                 const void* c, const void* bias, void* d) {
  product.alignment_a = alignment_of(a);
  product.alignment_b = alignment_of(b);
  product.alignment_c = c != nullptr ? alignment_of(c) : alignment_of(d);
  product.alignment_d = alignment_of(d);
  Plan& plan = this->plan(product);
  if (product.bias) {
    set(plan.description, CUBLASLT_MATMUL_DESC_BIAS_POINTER, bias);
  }
  const float beta = c != nullptr ? 1.0F : 0.0F;
  const cublasStatus_t status =
      cublasLtMatmul(handle_, plan.description.handle, &alpha, b, plan.b.handle, a, plan.a.handle, &beta,
                     c != nullptr ? c : d, plan.c.handle, d, plan.d.handle, &plan.choice.algo,
                     workspace_.data(), workspace_.bytes(), stream);
  if (status != CUBLAS_STATUS_SUCCESS) {
    check_gpu(stream);
  }
  check(status, "multiplying");
}

}  // namespace streamdiffusion::cuda
