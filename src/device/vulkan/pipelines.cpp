#include "device/vulkan/pipelines.h"

#include "device/vulkan/errors.h"

namespace streamdiffusion::vulkan {

Pipelines::Pipelines(SharedContext context) : context_(std::move(context)) {
  const VkPushConstantRange arguments{VK_SHADER_STAGE_COMPUTE_BIT, 0, kArgumentBytes};
  VkPipelineLayoutCreateInfo info{};
  info.sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO;
  info.pushConstantRangeCount = 1;
  info.pPushConstantRanges = &arguments;
  VkPipelineLayout layout = nullptr;
  check(context_->vk().vkCreatePipelineLayout(context_->device(), &info, nullptr, &layout),
        "preparing shaders");
  layout_ = {context_, layout};
}

VkPipeline Pipelines::get(Shader shader, std::span<const std::uint32_t> constants) {
  Key key{shader, {constants.begin(), constants.end()}};
  const auto known = pipelines_.find(key);
  if (known != pipelines_.end()) {
    return known->second.get();
  }
  Pipeline pipeline = compile(key);
  return pipelines_.emplace(std::move(key), std::move(pipeline)).first->second.get();
}

Pipelines::Pipeline Pipelines::compile(const Key& key) const {
  const auto& [shader, constants] = key;
  const std::span<const std::uint32_t> spirv = spirv_of(shader);
  VkShaderModuleCreateInfo code{};
  code.sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO;
  code.codeSize = spirv.size_bytes();
  code.pCode = spirv.data();
  VkShaderModule module = nullptr;
  check(context_->vk().vkCreateShaderModule(context_->device(), &code, nullptr, &module), "loading a shader");
  const Handle<VkShaderModule, &VolkDeviceTable::vkDestroyShaderModule> owner(context_, module);

  std::vector<VkSpecializationMapEntry> entries;
  for (std::uint32_t i = 0; i < constants.size(); ++i) {
    entries.push_back({i, i * static_cast<std::uint32_t>(sizeof(std::uint32_t)), sizeof(std::uint32_t)});
  }
  const VkSpecializationInfo specialization{static_cast<std::uint32_t>(entries.size()), entries.data(),
                                            constants.size() * sizeof(std::uint32_t), constants.data()};
  VkComputePipelineCreateInfo info{};
  info.sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO;
  info.stage.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO;
  info.stage.stage = VK_SHADER_STAGE_COMPUTE_BIT;
  info.stage.module = module;
  info.stage.pName = "main";
  info.stage.pSpecializationInfo = &specialization;
  info.layout = layout_.get();
  VkPipeline pipeline = nullptr;
  check(context_->vk().vkCreateComputePipelines(context_->device(), nullptr, 1, &info, nullptr, &pipeline),
        "compiling a shader");
  return {context_, pipeline};
}

}  // namespace streamdiffusion::vulkan
