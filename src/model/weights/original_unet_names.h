#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace streamdiffusion {

/// Translates names of a UNet's layers between diffusers and the original Stable Diffusion (input_blocks,
/// middle_block, output_blocks). The numbers in original names depend on which layers the model has.
class OriginalUNetNames {
 public:
  /// Makes the translation for a model given by its layers or tensors under diffusers' names.
  static OriginalUNetNames from_current(const std::vector<std::string>& names);
  /// Makes the translation for a model given by its layers or tensors under original names.
  static OriginalUNetNames from_original(const std::vector<std::string>& names);

  /// Returns the original name of a layer, or nothing if it has none.
  [[nodiscard]] std::optional<std::string> to_original(const std::string& layer) const;
  /// Returns diffusers' name of a layer, or nothing if it has none.
  [[nodiscard]] std::optional<std::string> to_current(const std::string& layer) const;

 private:
  enum class Kind : std::uint8_t { resnet, attention, downsampler, upsampler };
  struct Module {
    std::string name;  ///< The module's name in the other naming.
    Kind kind = Kind::resnet;
  };
  /// The layers of one block.
  struct Block {
    int resnets = 0;
    bool attention = false;
    bool sampler = false;
  };

  OriginalUNetNames(const std::vector<Block>& down_blocks, const std::vector<Block>& up_blocks);
  void add(const std::string& current, const std::string& original, Kind kind);
  void add_down_blocks(const std::vector<Block>& blocks);
  void add_up_blocks(const std::vector<Block>& blocks);

  using ModulesByName = std::map<std::string, Module, std::less<>>;
  static std::optional<std::string> translate(std::string_view layer, const ModulesByName& modules,
                                              bool from_current);

  ModulesByName by_current_;
  ModulesByName by_original_;
};

}  // namespace streamdiffusion
