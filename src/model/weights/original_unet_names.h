#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace streamdiffusion {

/// What the layers of a UNet2DConditionModel are called in the original Stable Diffusion (input_blocks,
/// middle_block, output_blocks). The numbers there follow from which layers the model has.
class OriginalUNetNames {
 public:
  explicit OriginalUNetNames(const std::vector<std::string>& layers);

  /// nullopt where the layer has no such name.
  [[nodiscard]] std::optional<std::string> find(const std::string& layer) const;

 private:
  std::map<std::string, std::string> modules_;  // a resnet, transformer or sampler by its diffusers name
};

}  // namespace streamdiffusion
