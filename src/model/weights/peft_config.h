#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace streamdiffusion {

/// One entry of `alpha_pattern` or `rank_pattern`.
struct PeftPattern {
  std::string name;       ///< a layer's name, or its end
  bool is_whole = false;  ///< only the layer of exactly this name
  float value = 0;
};

/// What peft's configuration says about the adapter of one network, as far as the tensors do not.
struct PeftSettings {
  std::string method;                      ///< `peft_type`: "LORA", "LOHA", ...; empty where nothing is said
  std::optional<float> alpha;              ///< `lora_alpha`, or `alpha` of LoHa and LoKr
  std::optional<float> rank;               ///< `r`; AdaLoRA's `init_r`
  std::vector<PeftPattern> alpha_pattern;  ///< The first that matches a layer counts.
  std::vector<PeftPattern> rank_pattern;
  bool use_rslora = false;  ///< alpha / sqrt(rank)
  bool use_dora = false;
  std::int64_t oft_series_terms = 0;  ///< 0: Cayley's transform itself
  bool oft_is_shared = false;
  std::set<std::string>
      feedforward_modules;  ///< The endings of the names of IA3's layers whose inputs are scaled
  /// In their place, and where it stands: a regular expression for the whole name of a layer.
  std::optional<std::pair<std::string, std::string>> feedforward_pattern;
  std::set<std::string> saved_modules;  ///< `modules_to_save`

  [[nodiscard]] std::optional<float> alpha_of(const std::string& layer) const;
  [[nodiscard]] std::optional<float> rank_of(const std::string& layer) const;
  /// True if IA3 scales the inputs of this layer. Throws Error for a regular expression that is no name.
  [[nodiscard]] bool is_feedforward(const std::string& layer) const;
};

/// peft's configuration of an adapter file: what diffusers notes in the file (`lora_adapter_metadata`), or
/// the `adapter_config.json` that peft writes beside it.
class PeftConfig {
 public:
  /// `adapter_config`: the text of that file, which is called `config_name` in messages; nullopt where there
  /// is none. Throws Error, which names file and field, for what is malformed or changes what adapters
  /// compute in a way that is not supported.
  PeftConfig(const std::map<std::string, std::string>& metadata, const std::string& file,
             const std::optional<std::string>& adapter_config, const std::string& config_name);

  /// For "unet" or "text_encoder"; nullptr where nothing is said.
  [[nodiscard]] const PeftSettings* find(const std::string& network) const;
  /// Full sentences about adapters that are applied but need more than this file.
  [[nodiscard]] const std::vector<std::string>& warnings() const { return warnings_; }

 private:
  void read_metadata(const std::string& text, const std::string& where);
  void read_adapter_config(const std::string& text, const std::string& where);

  std::map<std::string, PeftSettings> networks_;  // "": of any
  std::vector<std::string> warnings_;
};

}  // namespace streamdiffusion
