#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <span>
#include <utility>
#include <vector>

#include "device/vulkan/context.h"
#include "device/vulkan/shaders.h"

namespace streamdiffusion::vulkan {

/// Bytes of arguments that every device takes with a command ("push constants").
inline constexpr std::uint32_t kArgumentBytes = 128;

/// Compiled shaders, each made when it is first wanted.
class Pipelines {
 public:
  explicit Pipelines(SharedContext context);

  /// Returns the shader with these values of its specialisation constants, in the order of their numbers. It
  /// lives as long as this object.
  VkPipeline get(Shader shader, std::span<const std::uint32_t> constants);
  /// The layout of all pipelines: arguments only.
  [[nodiscard]] VkPipelineLayout layout() const { return layout_.get(); }

 private:
  using Pipeline = Handle<VkPipeline, &VolkDeviceTable::vkDestroyPipeline>;
  using Layout = Handle<VkPipelineLayout, &VolkDeviceTable::vkDestroyPipelineLayout>;
  using Key = std::pair<Shader, std::vector<std::uint32_t>>;

  [[nodiscard]] Pipeline compile(const Key& key) const;

  SharedContext context_;
  Layout layout_;
  std::map<Key, Pipeline> pipelines_;
};

}  // namespace streamdiffusion::vulkan
