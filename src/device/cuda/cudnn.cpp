#include "device/cuda/cudnn.h"

#include <cudnn.h>
#define CUDNN_FRONTEND_SKIP_JSON_LIB
#include <cudnn_frontend.h>

#include <chrono>
#include <cmath>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "device/cuda/errors.h"
#include "device/cuda/handles.h"
#include "device/cuda/measured_choice.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion::cuda {

namespace {

namespace fe = cudnn_frontend;

// Total time for measuring plans of all convolutions, building them included. It is chosen so that the first
// frame appears within 3 s.
constexpr std::chrono::milliseconds kMeasuringTime{1000};

using TensorPtr = std::shared_ptr<fe::graph::Tensor_attributes>;
using Extents = std::vector<std::int64_t>;

/// Identifiers of a graph's tensors.
enum Name : std::int64_t { kX = 1, kWeights, kBias, kRowBias, kResidual, kOut, kQ, kK, kV };

fe::DataType_t type_of(DType type) {
  return type == DType::f32   ? fe::DataType_t::FLOAT
         : type == DType::f16 ? fe::DataType_t::HALF
                              : fe::DataType_t::BFLOAT16;
}

void check(cudnnStatus_t status, const char* doing) {
  if (status != CUDNN_STATUS_SUCCESS) {
    throw DeviceError(
        std::string("cuDNN failed ") + doing + ": " + cudnnGetErrorString(status) +
        "; check that libcudnn belongs to the CUDA version of this build, or use the device \"cpu\"");
  }
}

/// A graph and the plan that was chosen for it.
struct Plan {
  fe::graph::Graph graph;
  std::int64_t workspace = 0;
};

TensorPtr add_input(Plan& plan, Name name, DType type, const Extents& extents, const Extents& strides) {
  return plan.graph.tensor(
      fe::graph::Tensor_attributes().set_uid(name).set_dim(extents).set_stride(strides).set_data_type(
          type_of(type)));
}

void set_output(const TensorPtr& tensor, DType type, const Extents& extents, const Extents& strides) {
  tensor->set_uid(kOut).set_output(true).set_data_type(type_of(type)).set_dim(extents).set_stride(strides);
}

/// Returns the strides in the order N C H W of a tensor stored as NHWC, with `stride` elements between
/// pixels.
Extents pixel_strides(std::int64_t h, std::int64_t w, std::int64_t stride) {
  return {h * w * stride, 1, w * stride, stride};
}

TensorPtr add(Plan& plan, const TensorPtr& a, const TensorPtr& b) {
  return plan.graph.pointwise(a, b,
                              fe::graph::Pointwise_attributes()
                                  .set_mode(fe::PointwiseMode_t::ADD)
                                  .set_compute_data_type(fe::DataType_t::FLOAT));
}

TensorPtr activate(Plan& plan, const TensorPtr& x, Activation activation) {
  auto attributes = fe::graph::Pointwise_attributes().set_compute_data_type(fe::DataType_t::FLOAT);
  switch (activation) {
    case Activation::none:
      return x;
    case Activation::silu:
      return plan.graph.pointwise(x,
                                  attributes.set_mode(fe::PointwiseMode_t::SWISH_FWD).set_swish_beta(1.0F));
    case Activation::relu:
      return plan.graph.pointwise(x, attributes.set_mode(fe::PointwiseMode_t::RELU_FWD));
    case Activation::gelu:
      return plan.graph.pointwise(x, attributes.set_mode(fe::PointwiseMode_t::GELU_FWD));
    case Activation::quick_gelu:
      return plan.graph.pointwise(x,
                                  attributes.set_mode(fe::PointwiseMode_t::SWISH_FWD).set_swish_beta(1.702F));
    case Activation::tanh:
      return plan.graph.pointwise(x, attributes.set_mode(fe::PointwiseMode_t::TANH_FWD));
  }
  return x;
}

/// Builds the plan with an engine for it; null if there is none.
std::unique_ptr<Plan> build_plan(std::unique_ptr<Plan> plan, cudnnHandle_t handle, bool tensor_cores) {
  fe::graph::Graph& graph = plan->graph;
  if (graph.validate().is_bad() || graph.build_operation_graph(handle).is_bad() ||
      graph.create_execution_plans({fe::HeurMode_t::A, fe::HeurMode_t::FALLBACK}).is_bad()) {
    return nullptr;
  }
  if (!tensor_cores) {  // excludes such engines from those that the heuristics proposed
    graph.deselect_numeric_notes(
        {fe::NumericalNote_t::TENSOR_CORE, fe::NumericalNote_t::DOWN_CONVERT_INPUTS});
  }
  const bool usable = graph.check_support().is_good() &&
                      graph.build_plans(fe::BuildPlanPolicy_t::HEURISTICS_CHOICE).is_good() &&
                      graph.get_workspace_size(plan->workspace).is_good();
  return usable ? std::move(plan) : nullptr;
}

std::unique_ptr<Plan> new_plan(DType type) {
  auto plan = std::make_unique<Plan>();
  plan->graph.set_io_data_type(type_of(type))
      .set_intermediate_data_type(fe::DataType_t::FLOAT)
      .set_compute_data_type(fe::DataType_t::FLOAT);
  return plan;
}

std::unique_ptr<Plan> make_plan(cudnnHandle_t handle, const Convolution& c, bool tensor_cores) {
  std::unique_ptr<Plan> plan = new_plan(c.type);
  const Extents in{c.n, c.in_c, c.in_h, c.in_w};
  const Extents out{c.n, c.out_c, c.out_h, c.out_w};
  const Extents weights{c.out_c, c.in_c, c.kernel, c.kernel};
  const TensorPtr x = add_input(*plan, kX, c.type, in, pixel_strides(c.in_h, c.in_w, c.in_stride));
  const TensorPtr w = add_input(*plan, kWeights, c.type, weights, pixel_strides(c.kernel, c.kernel, c.in_c));
  TensorPtr y = plan->graph.conv_fprop(x, w,
                                       fe::graph::Conv_fprop_attributes()
                                           .set_padding({c.padding, c.padding})
                                           .set_stride({c.step, c.step})
                                           .set_dilation({1, 1})
                                           .set_compute_data_type(fe::DataType_t::FLOAT));
  if (c.bias) {
    y = add(*plan, y, add_input(*plan, kBias, c.type, {1, c.out_c, 1, 1}, {c.out_c, 1, c.out_c, c.out_c}));
  }
  if (c.row_bias_stride > 0) {
    const std::int64_t stride = c.row_bias_stride;
    y = add(*plan, y, add_input(*plan, kRowBias, c.type, {c.n, c.out_c, 1, 1}, {stride, 1, stride, stride}));
  }
  if (c.residual_stride > 0) {
    y = add(*plan, y,
            add_input(*plan, kResidual, c.type, out, pixel_strides(c.out_h, c.out_w, c.residual_stride)));
  }
  y = activate(*plan, y, c.activation);
  set_output(y, c.type, out, pixel_strides(c.out_h, c.out_w, c.out_stride));
  return build_plan(std::move(plan), handle, tensor_cores);
}

/// Makes a plan. For float32 it avoids tensor cores, which would round the inputs to 10 bits (TF32), unless
/// no other engine exists.
std::unique_ptr<Plan> make_plan(cudnnHandle_t handle, const Convolution& c) {
  std::unique_ptr<Plan> exact = c.type == DType::f32 ? make_plan(handle, c, false) : nullptr;
  return exact ? std::move(exact) : make_plan(handle, c, true);
}

/// Returns the strides in the order [n, heads, tokens, head_dim], with `stride` elements between tokens and
/// contiguous heads.
Extents head_strides(std::int64_t tokens, std::int64_t head_dim, std::int64_t stride) {
  return {tokens * stride, head_dim, stride, 1};
}

std::unique_ptr<Plan> make_plan(cudnnHandle_t handle, const FusedAttention& a) {
  std::unique_ptr<Plan> plan = new_plan(a.type);
  const Extents queries{a.n, a.heads, a.queries, a.head_dim};
  const Extents keys{a.n, a.heads, a.keys, a.head_dim};
  const TensorPtr q = add_input(*plan, kQ, a.type, queries, head_strides(a.queries, a.head_dim, a.q_stride));
  const TensorPtr k = add_input(*plan, kK, a.type, keys, head_strides(a.keys, a.head_dim, a.k_stride));
  const TensorPtr v = add_input(*plan, kV, a.type, keys, head_strides(a.keys, a.head_dim, a.v_stride));
  auto attributes = fe::graph::SDPA_attributes()
                        .set_name("attention")
                        .set_generate_stats(false)
                        .set_attn_scale(1.0F / std::sqrt(static_cast<float>(a.head_dim)));
  if (a.causal) {
    attributes.set_diagonal_alignment(fe::DiagonalAlignment_t::TOP_LEFT).set_diagonal_band_right_bound(0);
  }
  const auto [out, statistics] = plan->graph.sdpa(q, k, v, attributes);
  set_output(out, a.type, queries, head_strides(a.queries, a.head_dim, a.out_stride));
  return build_plan(std::move(plan), handle, true);
}

}  // namespace

struct Cudnn::Impl {
  Impl(Device& given_device, cudaStream_t given_stream) : device(given_device), stream(given_stream) {
    check(cudnnCreate(&handle), "starting");
    const cudnnStatus_t status = cudnnSetStream(handle, stream);
    if (status != CUDNN_STATUS_SUCCESS) {
      cudnnDestroy(handle);
      check(status, "taking a stream");
    }
  }
  ~Impl() {
    convolutions.clear();
    attentions.clear();
    cudnnDestroy(handle);
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  template <typename Key>
  Plan* find(std::map<Key, std::unique_ptr<Plan>>& plans, const Key& key) {
    const auto known = plans.find(key);
    return (known != plans.end() ? known : plans.emplace(key, select_plan(key)).first)->second.get();
  }

  std::unique_ptr<Plan> select_plan(const FusedAttention& attention) const {
    return make_plan(handle, attention);
  }

  std::unique_ptr<Plan> select_plan(const Convolution& convolution) {
    std::unique_ptr<Plan> plan = make_plan(handle, convolution);
    if (plan) {
      choose(*plan, convolution);
    }
    return plan;
  }

  /// Chooses the fastest of the first candidates, or the first usable one if no measuring time is left.
  void choose(Plan& plan, const Convolution& convolution) {
    fe::graph::Graph& graph = plan.graph;
    const std::int64_t count = graph.get_execution_plan_count();
    std::int64_t choice =
        choices.choose_fastest(count, [&](std::int64_t i) { return measure(graph, convolution, i); })
            .value_or(0);
    while (graph.build_plan_at_index(choice).is_bad() && choice + 1 < count) {
      ++choice;
    }
    plan.workspace = graph.get_workspace_size_plan_at_index(choice);
  }

  /// Returns the milliseconds that kRuns runs take on uninitialised memory, or nullopt if cuDNN cannot run
  /// the plan.
  std::optional<float> measure(fe::graph::Graph& graph, const Convolution& c, std::int64_t index) {
    constexpr int kRuns = 4;  // after one untimed run
    if (graph.build_plan_at_index(index).is_bad()) {
      return std::nullopt;
    }
    const std::int64_t in_pixels = c.n * c.in_h * c.in_w;
    const std::int64_t out_pixels = c.n * c.out_h * c.out_w;
    std::vector<Buffer> memory;
    std::unordered_map<std::int64_t, void*> samples;
    for (const auto& [name, elements] : {std::pair<Name, std::int64_t>{kX, in_pixels * c.in_stride},
                                         {kWeights, c.out_c * c.kernel * c.kernel * c.in_c},
                                         {kBias, c.bias ? c.out_c : 0},
                                         {kRowBias, c.n * c.row_bias_stride},
                                         {kResidual, out_pixels * c.residual_stride},
                                         {kOut, out_pixels * c.out_stride}}) {
      if (elements > 0) {
        memory.push_back(device.allocate(static_cast<std::size_t>(elements) * size_of(c.type)));
        samples.emplace(name, memory.back().data());
      }
    }
    const Buffer workspace =
        device.allocate(static_cast<std::size_t>(graph.get_workspace_size_plan_at_index(index)));
    for (int i = 0; i <= kRuns; ++i) {
      if (graph.execute_plan_at_index(handle, samples, workspace.data(), index).is_bad()) {
        return std::nullopt;
      }
      if (i == 0) {
        check(cudaEventRecord(start.get(), stream), "measuring");
      }
    }
    check(cudaEventRecord(end.get(), stream), "measuring");
    check(cudaEventSynchronize(end.get()), "measuring");
    float milliseconds = 0;
    check(cudaEventElapsedTime(&milliseconds, start.get(), end.get()), "measuring");
    return milliseconds;
  }

  template <typename Key>
  std::optional<std::int64_t> workspace(std::map<Key, std::unique_ptr<Plan>>& plans, const Key& key) {
    const Plan* const plan = find(plans, key);
    return plan != nullptr ? std::optional(plan->workspace) : std::nullopt;
  }

  void run(Plan& plan, void* workspace) {
    auto status = plan.graph.execute(handle, data, workspace);
    data.clear();
    if (status.is_bad()) {
      check_gpu(stream);
      throw DeviceError("cuDNN failed computing: " + status.get_message() +
                        "; start the program again, or use the device \"cpu\"");
    }
  }

  void set_pointer(Name name, const void* pointer) {
    if (pointer != nullptr) {
      data.emplace(name, const_cast<void*>(pointer));  // cuDNN does not write to inputs
    }
  }

  Device& device;
  cudaStream_t stream;
  cudnnHandle_t handle = nullptr;
  Event start = make_event(cudaEventDefault);
  Event end = make_event(cudaEventDefault);
  MeasuredChoice choices{kMeasuringTime};
  std::map<Convolution, std::unique_ptr<Plan>> convolutions;  // a null plan: no engine
  std::map<FusedAttention, std::unique_ptr<Plan>> attentions;
  std::unordered_map<std::int64_t, void*> data;  // tensor pointers of the current call
};

Cudnn::Cudnn(Device& device, cudaStream_t stream) : impl_(std::make_unique<Impl>(device, stream)) {}

Cudnn::~Cudnn() = default;

std::optional<std::int64_t> Cudnn::workspace(const Convolution& convolution) {
  return impl_->workspace(impl_->convolutions, convolution);
}

std::optional<std::int64_t> Cudnn::workspace(const FusedAttention& attention) {
  return impl_->workspace(impl_->attentions, attention);
}

void Cudnn::run(const Convolution& convolution, const ConvolutionData& data, void* workspace) {
  impl_->set_pointer(kX, data.x);
  impl_->set_pointer(kWeights, data.weights);
  if (convolution.bias) {
    impl_->set_pointer(kBias, data.bias);
  }
  impl_->set_pointer(kRowBias, data.row_bias);
  impl_->set_pointer(kResidual, data.residual);
  impl_->set_pointer(kOut, data.out);
  impl_->run(*impl_->find(impl_->convolutions, convolution), workspace);
}

void Cudnn::run(const FusedAttention& attention, const void* q, const void* k, const void* v, void* out,
                void* workspace) {
  impl_->set_pointer(kQ, q);
  impl_->set_pointer(kK, k);
  impl_->set_pointer(kV, v);
  impl_->set_pointer(kOut, out);
  impl_->run(*impl_->find(impl_->attentions, attention), workspace);
}

}  // namespace streamdiffusion::cuda
