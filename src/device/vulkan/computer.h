#pragma once

#include <vector>

#include "device/recording/attention_groups.h"
#include "device/recording/commands.h"
#include "device/recording/scratch.h"
#include "device/vulkan/kernels.h"

namespace streamdiffusion::vulkan {

/// Adds the operations of commands to a command list.
class Computer {
 public:
  /// `scratch` serves all operations of the device.
  Computer(Kernels& kernels, recording::Scratch& scratch) : kernels_(kernels), scratch_(scratch) {}

  /// Adds all commands to `list`. `factors` is where the GPU reads those of the commands.
  void add(CommandList& list, const recording::Commands& commands, Address factors);

 private:
  void add(const recording::Conv2dCommand& command);
  void add(const recording::LinearCommand& command);
  void add(const recording::GroupNormCommand& command);
  void add(const recording::LayerNormCommand& command);
  void add(const recording::AttentionCommand& command);
  void add(const recording::MapCommand& command);
  void add(const recording::CopyCommand& command);
  void add(const recording::AddCommand& command);
  void add(const recording::CombineCommand& command);

  Kernels& kernels_;
  recording::Scratch& scratch_;
  // The arguments of the current `add`.
  CommandList* list_ = nullptr;
  const recording::Commands* commands_ = nullptr;
  Address factors_ = 0;
  std::vector<recording::AttentionGroup> groups_;  // Row groups of the current attention.
};

}  // namespace streamdiffusion::vulkan
