#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <variant>
#include <vector>

#include "device/cpu/cpu_device.h"
#include "device/recording/recording_device.h"
#include "device/recording/recordings.h"

namespace streamdiffusion::tests {

/// A device that records as a GPU does, and computes on the CPU. Its graphs hold addresses only: of tensors,
/// of the memory of weight slots, and of the memory that factors are copied to.
class ReplayingDevice : public recording::RecordingDevice {
 public:
  [[nodiscard]] DeviceTraits traits() const override { return {.name = "replaying"}; }
  [[nodiscard]] DType dtype() const override { return cpu_->dtype(); }
  Buffer allocate(std::size_t bytes) override { return cpu_->allocate(bytes); }
  void synchronize() override { end_recording(); }
  void upload(std::span<const float> host, const Tensor& out) override {
    end_recording();
    cpu_->upload(host, out);
  }
  void download(const Tensor& x, std::span<float> host) override {
    end_recording();
    cpu_->download(x, host);
  }
  Weights pack_conv2d(const HostConv2d& host) override {
    return pack(cpu_->pack_conv2d(host), host.bias.size());
  }
  Weights pack_linear(const HostLinear& host) override {
    return pack(cpu_->pack_linear(host), host.bias.size());
  }
  Weights pack_vector(std::span<const float> host) override { return pack(cpu_->pack_vector(host), 0); }
  float cosine_similarity(const Tensor& x, const Tensor& y) override {
    end_recording();
    return cpu_->cosine_similarity(x, y);
  }
  void upload_pixels(const std::uint8_t* host, float scale, float shift, const Tensor& out) override {
    end_recording();
    cpu_->upload_pixels(host, scale, shift, out);
  }
  void download_pixels(const Tensor& x, float scale, float shift, std::uint8_t* host) override {
    end_recording();
    cpu_->download_pixels(x, scale, shift, host);
  }

  /// How sequences were run: directly, recorded anew, and from a recording (the first time included).
  int computed = 0;
  int recorded = 0;
  int repeated = 0;

 private:
  struct Slot : recording::WeightSlot {
    Slot(recording::SlotId id, Weights contents, std::size_t bias)
        : WeightSlot(id), memory(std::make_unique<Weights>(std::move(contents))), bias_values(bias) {}
    std::unique_ptr<Weights> memory;
    std::size_t bias_values;
  };
  struct Graph {
    std::vector<std::function<void()>> operations;
    std::unique_ptr<std::vector<float>> factors;
  };

  void run(const recording::Commands& commands) override {
    run_all(operations_of(commands, commands.factors));
  }
  void run_sequence(const recording::Commands& commands) override {
    recordings_.run(
        commands,
        [this](const recording::Commands& direct) {
          ++computed;
          run(direct);
        },
        [this](const recording::Commands& sequence) {
          ++recorded;
          auto factors = std::make_unique<std::vector<float>>(sequence.factors);
          std::vector<std::function<void()>> operations = operations_of(sequence, *factors);
          return std::optional(Graph{std::move(operations), std::move(factors)});
        },
        [this](const Graph& graph, const recording::Commands& sequence) {
          ++repeated;
          std::ranges::copy(sequence.factors, graph.factors->begin());
          run_all(graph.operations);
        });
  }
  [[nodiscard]] bool have_same_layout(const recording::WeightSlot& one,
                                      const recording::WeightSlot& other) const override {
    return static_cast<const Slot&>(one).bias_values == static_cast<const Slot&>(other).bias_values;
  }
  void copy_contents(const recording::WeightSlot& from, const recording::WeightSlot& to) override {
    *static_cast<const Slot&>(to).memory = *static_cast<const Slot&>(from).memory;
  }

  Weights pack(Weights contents, std::size_t bias) {
    return std::make_shared<Slot>(next_slot(), std::move(contents), bias);
  }
  static const Weights* memory_of(const recording::WeightHandle& weights) {
    return static_cast<const Slot&>(weights.slot()).memory.get();
  }
  static void run_all(const std::vector<std::function<void()>>& operations) {
    for (const auto& operation : operations) {
      operation();
    }
  }

  /// Returns the operations of `commands`, which read factors from `factors` when they run.
  std::vector<std::function<void()>> operations_of(const recording::Commands& commands,
                                                   const std::vector<float>& factors) {
    std::vector<std::function<void()>> operations;
    for (const recording::Command& command : commands.list) {
      operations.push_back(
          std::visit([&](const auto& one) { return operation_of(commands, one, factors); }, command));
    }
    return operations;
  }
  std::function<void()> operation_of(const recording::Commands& /*all*/, const recording::Conv2dCommand& c,
                                     const std::vector<float>& /*factors*/) {
    return [this, x = c.x, w = memory_of(c.weights), options = c.options, out = c.out] {
      cpu_->conv2d(x, **w, options, out);
    };
  }
  std::function<void()> operation_of(const recording::Commands& /*all*/, const recording::LinearCommand& c,
                                     const std::vector<float>& /*factors*/) {
    return [this, x = c.x, w = memory_of(c.weights), options = c.options, out = c.out] {
      cpu_->linear(x, **w, options, out);
    };
  }
  std::function<void()> operation_of(const recording::Commands& /*all*/, const recording::GroupNormCommand& c,
                                     const std::vector<float>& /*factors*/) {
    return [this, c, gain = memory_of(c.gain), shift = memory_of(c.shift)] {
      cpu_->group_norm(c.x, **gain, **shift, c.groups, c.epsilon, c.activation, c.out);
    };
  }
  std::function<void()> operation_of(const recording::Commands& /*all*/, const recording::LayerNormCommand& c,
                                     const std::vector<float>& /*factors*/) {
    return [this, c, gain = memory_of(c.gain), shift = memory_of(c.shift)] {
      cpu_->layer_norm(c.x, **gain, **shift, c.epsilon, c.out);
    };
  }
  std::function<void()> operation_of(const recording::Commands& all, const recording::AttentionCommand& c,
                                     const std::vector<float>& /*factors*/) {
    const std::span<const RowRange> rows = all.key_rows_of(c);
    return [this, c, rows = std::vector<RowRange>(rows.begin(), rows.end())] {
      cpu_->attention(c.q, c.k, c.v, {.heads = c.heads, .causal = c.causal, .key_rows = rows}, c.out);
    };
  }
  std::function<void()> operation_of(const recording::Commands& /*all*/, const recording::MapCommand& c,
                                     const std::vector<float>& /*factors*/) {
    return [this, c] { cpu_->map(c.x, c.scale, c.activation, c.out_scale, c.shift, c.out); };
  }
  std::function<void()> operation_of(const recording::Commands& /*all*/, const recording::CopyCommand& c,
                                     const std::vector<float>& /*factors*/) {
    return [this, c] { cpu_->copy(c.x, c.out); };
  }
  std::function<void()> operation_of(const recording::Commands& /*all*/, const recording::AddCommand& c,
                                     const std::vector<float>& /*factors*/) {
    return [this, c] { cpu_->add(c.x, c.y, c.out); };
  }
  std::function<void()> operation_of(const recording::Commands& /*all*/, const recording::CombineCommand& c,
                                     const std::vector<float>& factors) {
    const auto rows = static_cast<std::size_t>(c.x.shape.n);
    return [this, c, rows, memory = std::span(factors).subspan(c.first_factor)] {
      cpu_->combine(c.x, memory.first(rows), c.y, memory.subspan(rows, rows), c.out);
    };
  }

  static constexpr std::size_t kSequencesKept = 4;

  std::unique_ptr<Device> cpu_ = make_cpu_device(1);
  recording::Recordings<Graph> recordings_{kSequencesKept};
};

}  // namespace streamdiffusion::tests
