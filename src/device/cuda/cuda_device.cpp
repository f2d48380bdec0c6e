#include "device/cuda/cuda_device.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>
#include <limits>
#include <optional>
#include <utility>

#include "core/round_up.h"
#include "device/cuda/computer.h"
#include "device/cuda/conv_geometry.h"
#include "device/cuda/handles.h"
#include "device/cuda/kernels.h"
#include "device/cuda/packed.h"
#include "device/cuda/staging.h"
#include "device/recording/dot_products.h"
#include "device/recording/recording_device.h"
#include "device/recording/recordings.h"
#include "device/recording/scratch.h"

namespace streamdiffusion::cuda {

namespace {

// A session has a graph each for the UNet and both halves of the autoencoder, so that five streams
// that take turns keep theirs.
constexpr std::size_t kGraphsKept = 16;

cudaDeviceProp properties_of(int index) {
  cudaDeviceProp properties{};
  check(cudaGetDeviceProperties(&properties, index), "asking for the GPU's properties");
  return properties;
}

/// The CUDA device. It manages memory, transfers and graphs; Computer runs the operations.
class CudaDevice : public recording::RecordingDevice {
 public:
  CudaDevice(int index, DType type);
  ~CudaDevice() override;

  [[nodiscard]] DeviceTraits traits() const override { return {.name = name_}; }
  [[nodiscard]] DType dtype() const override { return type_; }

  Buffer allocate(std::size_t bytes) override;
  void synchronize() override;
  [[nodiscard]] std::unique_ptr<Timestamp> make_timestamp() override;
  void upload(std::span<const float> host, const Tensor& out) override;
  void download(const Tensor& x, std::span<float> host) override;

  Weights pack_conv2d(const HostConv2d& host) override;
  Weights pack_linear(const HostLinear& host) override;
  Weights pack_vector(std::span<const float> host) override;

  float cosine_similarity(const Tensor& x, const Tensor& y) override;
  void upload_pixels(const std::uint8_t* host, float scale, float shift, const Tensor& out) override;
  void download_pixels(const Tensor& x, float scale, float shift, std::uint8_t* host) override;

  void record(cudaEvent_t event);

 private:
  /// A captured sequence, and the memory that it reads the factors of its CombineCommands from.
  struct Graph {
    GraphExec exec;
    Buffer factors;
  };

  void run(const recording::Commands& commands) override;
  void run_sequence(const recording::Commands& commands) override;
  [[nodiscard]] bool have_same_layout(const recording::WeightSlot& one,
                                      const recording::WeightSlot& other) const override;
  void copy_contents(const recording::WeightSlot& from, const recording::WeightSlot& to) override;
  void copy_buffer(const Buffer& from, const Buffer& to);
  void begin_immediate();
  [[nodiscard]] std::optional<Graph> capture(const recording::Commands& commands);
  std::byte* scratch(std::size_t bytes);
  Weights pack(const WeightShape& shape, std::span<const float> weight, std::span<const float> bias,
               Matrix layout);
  Buffer pack_values(const WeightShape& shape, std::span<const float> host, DType type);
  void make_current() const { check(cudaSetDevice(index_), "choosing the GPU"); }

  int index_;
  DType type_;
  std::string name_;
  Stream stream_;
  Staging staging_;
  PinnedMemory downloads_;  // receives pixels from the GPU
  recording::Recordings<Graph> recordings_;
  recording::Scratch scratch_;
  Computer computer_;
};

/// An event of the device's stream.
class GpuTimestamp final : public Timestamp {
 public:
  explicit GpuTimestamp(CudaDevice& device) : device_(device), event_(make_event(cudaEventDefault)) {}

  void record() override { device_.record(event_.get()); }
  [[nodiscard]] double seconds_since(const Timestamp& earlier) const override {
    const Event& start = static_cast<const GpuTimestamp&>(earlier).event_;
    check(cudaEventSynchronize(event_.get()), "computing");
    float milliseconds = 0;
    check(cudaEventElapsedTime(&milliseconds, start.get(), event_.get()), "measuring");
    return static_cast<double>(milliseconds) / 1000;
  }

 private:
  CudaDevice& device_;
  Event event_;
};

/// Selects the GPU for this thread, because the initialisers of the members need it. Returns `index`.
int select_gpu(int index) {
  int count = 0;
  check(cudaGetDeviceCount(&count), "looking for GPUs");
  if (index < 0 || index >= count) {
    throw DeviceError("there is no GPU " + std::to_string(index) + ": this machine has " +
                      std::to_string(count) + "; the first is cuda:0");
  }
  check(cudaSetDevice(index), "choosing the GPU");
  return index;
}

CudaDevice::CudaDevice(int index, DType type)
    : index_(select_gpu(index)),
      type_(type),
      name_("cuda:" + std::to_string(index) + " " + properties_of(index).name + ", " + to_string(type)),
      stream_(make_stream()),
      recordings_(kGraphsKept),
      scratch_(*this, [this] { recordings_.clear(); }),
      computer_(*this, stream_.get(), scratch_, type) {
  // Keeps freed memory in the process, because changes of settings free and allocate the same sizes
  // repeatedly.
  cudaMemPool_t pool = nullptr;
  check(cudaDeviceGetDefaultMemPool(&pool, index_), "asking for the GPU's memory");
  std::uint64_t all = std::numeric_limits<std::uint64_t>::max();
  check(cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &all), "asking for the GPU's memory");
}

CudaDevice::~CudaDevice() {
  cudaSetDevice(index_);
  cudaStreamSynchronize(stream_.get());
}

Buffer CudaDevice::allocate(std::size_t bytes) {
  make_current();
  const std::size_t wanted = std::max<std::size_t>(bytes, 1);
  void* data = nullptr;
  check(cudaMallocAsync(&data, wanted, stream_.get()),
        ("reserving " + std::to_string(wanted >> 20U) + " MB").c_str());
  return {data, wanted, [stream = stream_, index = index_](void* memory, std::size_t) {
            cudaSetDevice(index);
            cudaFreeAsync(memory, stream.get());
          }};
}

void CudaDevice::synchronize() {
  begin_immediate();
  check(cudaStreamSynchronize(stream_.get()), "computing");
}

std::unique_ptr<Timestamp> CudaDevice::make_timestamp() {
  make_current();
  return std::make_unique<GpuTimestamp>(*this);
}

void CudaDevice::record(cudaEvent_t event) {
  begin_immediate();
  check(cudaEventRecord(event, stream_.get()), "measuring");
}

// ---- order of operations

void CudaDevice::begin_immediate() {
  make_current();
  end_recording();
}

void CudaDevice::run(const recording::Commands& commands) {
  make_current();
  computer_.run(commands);
}

/// Runs a sequence directly the first time, which makes all plans and allocates all memory. From the second
/// time on it runs the sequence as a CUDA graph.
void CudaDevice::run_sequence(const recording::Commands& commands) {
  make_current();
  recordings_.run(
      commands, [this](const recording::Commands& direct) { computer_.run(direct); },
      [this](const recording::Commands& recorded) { return capture(recorded); },
      [this](const Graph& graph, const recording::Commands& repeated) {
        const std::span<const float> factors = repeated.factors;
        staging_.upload(factors.data(), factors.size_bytes(), graph.factors.data(), stream_.get());
        check(cudaGraphLaunch(graph.exec.get(), stream_.get()), "starting a step");
      });
}

/// Captures the commands as a graph; nullopt if some operation cannot be captured.
std::optional<CudaDevice::Graph> CudaDevice::capture(const recording::Commands& commands) {
  Buffer factors = allocate(commands.factors.size() * sizeof(float));
  cudaGraph_t captured = nullptr;
  check(cudaStreamBeginCapture(stream_.get(), cudaStreamCaptureModeThreadLocal), "recording a step");
  bool complete = true;
  try {
    computer_.run(commands, static_cast<const float*>(factors.data()));
  } catch (const Error&) {
    complete = false;  // if the GPU itself failed, the next operation reports it
  }
  complete = cudaStreamEndCapture(stream_.get(), &captured) == cudaSuccess && complete;
  const cuda::Graph graph(captured);
  cudaGraphExec_t exec = nullptr;
  if (!complete || cudaGraphInstantiate(&exec, graph.get(), 0) != cudaSuccess) {
    cudaGetLastError();  // resets the error, which is handled here
    return std::nullopt;
  }
  return Graph{GraphExec(exec), std::move(factors)};
}

// ---- between host and GPU

std::byte* CudaDevice::scratch(std::size_t bytes) {
  recording::ScratchPlan plan;
  plan.add(static_cast<std::int64_t>(bytes));
  return scratch_.get(plan);
}

void CudaDevice::upload(std::span<const float> host, const Tensor& out) {
  assert(out.dense() && out.shape.elements() == std::ssize(host));
  begin_immediate();
  const Buffer values = allocate(host.size_bytes());
  staging_.upload(host.data(), host.size_bytes(), values.data(), stream_.get());
  from_floats(stream_.get(), static_cast<const float*>(values.data()), out);
}

void CudaDevice::download(const Tensor& x, std::span<float> host) {
  assert(x.dense() && x.shape.elements() == std::ssize(host));
  begin_immediate();
  const Buffer values = allocate(host.size_bytes());
  to_floats(stream_.get(), x, static_cast<float*>(values.data()));
  check(cudaMemcpyAsync(host.data(), values.data(), host.size_bytes(), cudaMemcpyDeviceToHost, stream_.get()),
        "copying from the GPU");
  check(cudaStreamSynchronize(stream_.get()), "computing");
}

void CudaDevice::upload_pixels(const std::uint8_t* host, float scale, float shift, const Tensor& out) {
  begin_immediate();
  const auto bytes = static_cast<std::size_t>(out.shape.elements());
  auto* const pixels = reinterpret_cast<std::uint8_t*>(scratch(bytes));
  staging_.upload(host, bytes, pixels, stream_.get());
  from_pixels(stream_.get(), pixels, scale, shift, out);
}

void CudaDevice::download_pixels(const Tensor& x, float scale, float shift, std::uint8_t* host) {
  begin_immediate();
  const auto bytes = static_cast<std::size_t>(x.shape.elements());
  auto* const pixels = reinterpret_cast<std::uint8_t*>(scratch(bytes));
  to_pixels(stream_.get(), x, scale, shift, pixels);
  std::byte* const pinned = downloads_.get(bytes);
  check(cudaMemcpyAsync(pinned, pixels, bytes, cudaMemcpyDeviceToHost, stream_.get()),
        "copying from the GPU");
  check(cudaStreamSynchronize(stream_.get()), "computing");
  std::memcpy(host, pinned, bytes);
}

float CudaDevice::cosine_similarity(const Tensor& x, const Tensor& y) {
  begin_immediate();
  std::array<float, kDotBlocks * 3> parts{};
  auto* const sums = reinterpret_cast<float*>(scratch(sizeof parts));
  dot_products(stream_.get(), x, y, sums);
  check(cudaMemcpyAsync(parts.data(), sums, sizeof parts, cudaMemcpyDeviceToHost, stream_.get()),
        "copying from the GPU");
  check(cudaStreamSynchronize(stream_.get()), "computing");
  return recording::cosine_of_parts(parts);
}

// ---- weights

/// Copies float32 weights to the GPU and converts and reorders them there, which is faster than on the host.
Buffer CudaDevice::pack_values(const WeightShape& shape, std::span<const float> host, DType type) {
  const std::int64_t elements = shape.padded_out_channels * shape.taps * shape.padded_in_channels;
  Buffer packed = allocate(static_cast<std::size_t>(elements) * size_of(type));
  const Buffer values = allocate(host.size_bytes());
  staging_.upload(host.data(), host.size_bytes(), values.data(), stream_.get());
  pack_weights(stream_.get(), shape, static_cast<const float*>(values.data()), type, packed.data());
  return packed;
}

Weights CudaDevice::pack(const WeightShape& shape, std::span<const float> weight, std::span<const float> bias,
                         Matrix layout) {
  begin_immediate();
  layout.out_channels = shape.out_channels;
  layout.in_channels = shape.in_channels;
  layout.padded_out_channels = shape.padded_out_channels;
  layout.padded_in_channels = shape.padded_in_channels;
  Buffer weights = pack_values(shape, weight, type_);
  Buffer biases;
  if (!bias.empty()) {
    biases = pack_values({shape.out_channels, 1, 1, shape.padded_out_channels, 1}, bias, type_);
  }
  return std::make_shared<PackedMatrix>(next_slot(), layout, std::move(weights), std::move(biases));
}

Weights CudaDevice::pack_conv2d(const HostConv2d& host) {
  const WeightShape shape{host.out_channels, host.in_channels, host.kernel * host.kernel,
                          round_up(host.out_channels, kChannelMultiple),
                          round_up(host.in_channels, kChannelMultiple)};
  return pack(shape, host.weight, host.bias, {.kernel = host.kernel, .resample = host.resample});
}

Weights CudaDevice::pack_linear(const HostLinear& host) {
  const WeightShape shape{host.out_channels, host.in_channels, 1,
                          round_up(host.out_channels, kChannelMultiple),
                          round_up(host.in_channels, kChannelMultiple)};
  return pack(shape, host.weight, host.bias, {.geglu = host.geglu});
}

Weights CudaDevice::pack_vector(std::span<const float> host) {
  begin_immediate();
  const auto count = std::ssize(host);
  return std::make_shared<PackedVector>(next_slot(), pack_values({count, 1, 1, count, 1}, host, DType::f32));
}

bool CudaDevice::have_same_layout(const recording::WeightSlot& one,
                                  const recording::WeightSlot& other) const {
  return recording::have_same_layout<Matrix>(one, other);
}

void CudaDevice::copy_contents(const recording::WeightSlot& from, const recording::WeightSlot& to) {
  make_current();
  recording::copy_buffers<Matrix>(
      from, to, [this](const Buffer& source, const Buffer& target) { copy_buffer(source, target); });
}

void CudaDevice::copy_buffer(const Buffer& from, const Buffer& to) {
  if (from.bytes() > 0) {
    check(cudaMemcpyAsync(to.data(), from.data(), from.bytes(), cudaMemcpyDeviceToDevice, stream_.get()),
          "updating weights");
  }
}

}  // namespace

std::vector<Gpu> list_gpus() {
  int count = 0;
  check(cudaGetDeviceCount(&count), "looking for GPUs");
  std::vector<Gpu> gpus;
  for (int index = 0; index < count; ++index) {
    const cudaDeviceProp properties = properties_of(index);
    std::array<char, 32> bus_id{};
    check(cudaDeviceGetPCIBusId(bus_id.data(), bus_id.size(), index), "asking where the GPU is");
    gpus.push_back(
        {properties.name, properties.totalGlobalMem, properties.major, properties.minor, bus_id.data()});
  }
  return gpus;
}

std::unique_ptr<Device> make_cuda_device(int index, DType type) {
  return std::make_unique<CudaDevice>(index, type);
}

}  // namespace streamdiffusion::cuda
