#include "device/vulkan/vulkan_device.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>
#include <optional>
#include <span>
#include <utility>

#include "core/round_up.h"
#include "device/recording/dot_products.h"
#include "device/recording/recording_device.h"
#include "device/recording/recordings.h"
#include "device/vulkan/computer.h"
#include "device/vulkan/errors.h"
#include "device/vulkan/staging.h"
#include "device/vulkan/timestamps.h"

namespace streamdiffusion::vulkan {

namespace {

// A session has a recording each for the UNet and both halves of the autoencoder, so that five streams
// that take turns keep theirs.
constexpr std::size_t kRecordingsKept = 16;

/// The Vulkan device. It manages memory, transfers and recordings; Computer adds operations to command lists.
class VulkanDevice : public recording::RecordingDevice {
 public:
  VulkanDevice(int index, DType type);
  ~VulkanDevice() override;
  VulkanDevice(const VulkanDevice&) = delete;
  VulkanDevice& operator=(const VulkanDevice&) = delete;

  [[nodiscard]] DeviceTraits traits() const override { return {.name = name_}; }
  [[nodiscard]] DType dtype() const override { return type_; }
  [[nodiscard]] DType precise_dtype() const override { return DType::f32; }

  Buffer allocate(std::size_t bytes) override { return memory_.allocate(bytes); }
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

 private:
  /// A recorded sequence, and the memory that it reads the factors of its CombineCommands from.
  struct Graph {
    Recording recording;
    std::unique_ptr<Block> factors;
    Moment ran{};
  };

  void run(const recording::Commands& commands) override;
  void run_sequence(const recording::Commands& commands) override;
  [[nodiscard]] bool have_same_layout(const recording::WeightSlot& one,
                                      const recording::WeightSlot& other) const override;
  void copy_contents(const recording::WeightSlot& from, const recording::WeightSlot& to) override;
  void copy_buffer(const Buffer& from, const Buffer& to);
  [[nodiscard]] Graph record(const recording::Commands& commands);
  void repeat(Graph& graph, const recording::Commands& commands);
  Weights pack(const Matrix& layout, std::span<const float> weight, std::span<const float> bias);
  Buffer pack_values(const Matrix& layout, std::span<const float> host);

  SharedContext context_;
  DType type_;
  std::string name_;
  Queue queue_;
  Memory memory_;
  Staging staging_;
  Kernels kernels_;
  recording::Recordings<Graph> recordings_;
  recording::Scratch scratch_;
  Computer computer_;
};

VulkanDevice::VulkanDevice(int index, DType type)
    : context_(std::make_shared<Context>(index)),
      type_(type),
      name_("vulkan:" + std::to_string(index) + " " + context_->gpu().description.name + ", " +
            to_string(type)),
      queue_(context_),
      memory_(context_, [this] { queue_.finish(); }),
      staging_(context_, queue_),
      kernels_(context_),
      recordings_(kRecordingsKept),
      scratch_(*this, [this] { recordings_.clear(); }),
      computer_(kernels_, scratch_) {}

// The members' memory may be freed only when no commands use it.
VulkanDevice::~VulkanDevice() { context_->vk().vkDeviceWaitIdle(context_->device()); }

void VulkanDevice::synchronize() {
  end_recording();
  queue_.finish();
}

std::unique_ptr<Timestamp> VulkanDevice::make_timestamp() {
  return std::make_unique<GpuTimestamp>(context_, queue_, [this] { end_recording(); });
}

// ---- order of operations

void VulkanDevice::run(const recording::Commands& commands) {
  const Address factors = staging_.upload(commands.factors.data(), commands.factors.size() * sizeof(float));
  computer_.add(queue_.open_list(), commands, factors);
}

void VulkanDevice::run_sequence(const recording::Commands& commands) {
  recordings_.run(
      commands, [this](const recording::Commands& direct) { run(direct); },
      [this](const recording::Commands& recorded) { return std::optional(record(recorded)); },
      [this](Graph& graph, const recording::Commands& repeated) { repeat(graph, repeated); });
}

VulkanDevice::Graph VulkanDevice::record(const recording::Commands& commands) {
  const std::size_t bytes = std::max<std::size_t>(commands.factors.size(), 1) * sizeof(float);
  auto factors = std::make_unique<Block>(context_, Block::Kind::upload, bytes);
  Recording recording =
      queue_.record([&](CommandList& list) { computer_.add(list, commands, factors->address()); });
  return {std::move(recording), std::move(factors)};
}

void VulkanDevice::repeat(Graph& graph, const recording::Commands& commands) {
  queue_.wait_for(graph.ran);  // Until then the GPU may read the earlier factors.
  std::ranges::copy(std::as_bytes(std::span(commands.factors)), graph.factors->host());
  graph.ran = queue_.submit(graph.recording);
}

// ---- between host and GPU

void VulkanDevice::upload(std::span<const float> host, const Tensor& out) {
  assert(out.dense() && out.shape.elements() == std::ssize(host));
  end_recording();
  const std::size_t part = Staging::kPartBytes / sizeof(float);
  for (std::size_t first = 0; first < host.size(); first += part) {
    const std::span<const float> values = host.subspan(first, std::min(part, host.size() - first));
    const Address staged = staging_.upload(values.data(), values.size_bytes());
    const auto count = static_cast<std::int64_t>(values.size());
    kernels_.copy(queue_.open_list(), dense_tensor(staged, count, DType::f32),
                  out.flat().channels(static_cast<std::int64_t>(first), count));
  }
}

void VulkanDevice::download(const Tensor& x, std::span<float> host) {
  assert(x.dense() && x.shape.elements() == std::ssize(host));
  end_recording();
  const Address staged = staging_.begin_download(host.size_bytes());
  kernels_.copy(queue_.open_list(), x.flat(), dense_tensor(staged, std::ssize(host), DType::f32));
  std::memcpy(host.data(), staging_.end_download(), host.size_bytes());
}

void VulkanDevice::upload_pixels(const std::uint8_t* host, float scale, float shift, const Tensor& out) {
  end_recording();
  const Address staged = staging_.upload(host, static_cast<std::size_t>(out.shape.elements()));
  kernels_.from_pixels(queue_.open_list(), staged, scale, shift, out);
}

void VulkanDevice::download_pixels(const Tensor& x, float scale, float shift, std::uint8_t* host) {
  end_recording();
  const auto bytes = static_cast<std::size_t>(x.shape.elements());
  const Address staged = staging_.begin_download(round_up(bytes, 4));
  kernels_.to_pixels(queue_.open_list(), x, scale, shift, staged);
  std::memcpy(host, staging_.end_download(), bytes);
}

float VulkanDevice::cosine_similarity(const Tensor& x, const Tensor& y) {
  end_recording();
  std::array<float, std::size_t{Kernels::kDotParts} * 3> parts{};
  const Address staged = staging_.begin_download(sizeof parts);
  kernels_.dot_products(queue_.open_list(), x, y, staged);
  std::memcpy(parts.data(), staging_.end_download(), sizeof parts);
  return recording::cosine_of_parts(parts);
}

// ---- weights

/// Sends float32 weights to the GPU some output channels at a time; it reorders and converts them.
Buffer VulkanDevice::pack_values(const Matrix& layout, std::span<const float> host) {
  const std::int64_t row = layout.in_channels * layout.kernel * layout.kernel;
  Buffer packed = memory_.allocate(static_cast<std::size_t>(round_up(layout.out_channels, 4) * row) *
                                   size_of(layout.type));
  const auto row_bytes = row * static_cast<std::int64_t>(sizeof(float));
  const std::int64_t at_a_time =
      std::max<std::int64_t>(1, static_cast<std::int64_t>(Staging::kPartBytes) / row_bytes);
  for (std::int64_t first = 0; first < layout.out_channels; first += at_a_time) {
    const std::int64_t count = std::min(at_a_time, layout.out_channels - first);
    const Address staged =
        staging_.upload(host.data() + first * row, static_cast<std::size_t>(count * row_bytes));
    kernels_.pack_weights(queue_.open_list(), layout, staged, first, count, packed);
  }
  return packed;
}

Weights VulkanDevice::pack(const Matrix& layout, std::span<const float> weight, std::span<const float> bias) {
  end_recording();
  Buffer weights = pack_values(layout, weight);
  Buffer biases;
  if (!bias.empty()) {
    biases =
        pack_values({.out_channels = layout.out_channels, .in_channels = 1, .geglu = layout.geglu}, bias);
  }
  return std::make_shared<PackedMatrix>(next_slot(), layout, std::move(weights), std::move(biases));
}

Weights VulkanDevice::pack_conv2d(const HostConv2d& host) {
  return pack({.out_channels = host.out_channels,
               .in_channels = host.in_channels,
               .kernel = host.kernel,
               .resample = host.resample,
               .type = type_},
              host.weight, host.bias);
}

Weights VulkanDevice::pack_linear(const HostLinear& host) {
  return pack({.out_channels = host.out_channels,
               .in_channels = host.in_channels,
               .geglu = host.geglu,
               .type = type_},
              host.weight, host.bias);
}

Weights VulkanDevice::pack_vector(std::span<const float> host) {
  Buffer values = memory_.allocate(host.size_bytes());
  upload(host, dense_tensor(address_of(values.data()), std::ssize(host), DType::f32));
  return std::make_shared<PackedVector>(next_slot(), std::move(values));
}

bool VulkanDevice::have_same_layout(const recording::WeightSlot& one,
                                    const recording::WeightSlot& other) const {
  return recording::have_same_layout<Matrix>(one, other);
}

void VulkanDevice::copy_contents(const recording::WeightSlot& from, const recording::WeightSlot& to) {
  recording::copy_buffers<Matrix>(
      from, to, [this](const Buffer& source, const Buffer& target) { copy_buffer(source, target); });
}

void VulkanDevice::copy_buffer(const Buffer& from, const Buffer& to) {
  if (from.bytes() > 0) {
    const auto words = static_cast<std::int64_t>(from.bytes() / sizeof(float));
    kernels_.copy(queue_.open_list(), dense_tensor(address_of(from.data()), words, DType::f32),
                  dense_tensor(address_of(to.data()), words, DType::f32));
  }
}

}  // namespace

std::vector<GpuDescription> describe_gpus() {
  const Instance instance;
  std::vector<GpuDescription> descriptions;
  for (const Gpu& gpu : list_gpus(instance)) {
    descriptions.push_back(gpu.description);
  }
  return descriptions;
}

std::unique_ptr<Device> make_vulkan_device(int index, DType type) {
  return std::make_unique<VulkanDevice>(index, type);
}

}  // namespace streamdiffusion::vulkan
