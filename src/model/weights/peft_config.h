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
  std::string name;       ///< Name of a layer, or its end.
  bool is_whole = false;  ///< If true, matches only the whole name.
  float value = 0;
};

/// peft's settings for the adapter of one network, as far as the tensors do not tell them.
struct PeftSettings {
  std::string method;                      ///< `peft_type`: "LORA", "LOHA" ...; may be empty.
  std::optional<float> alpha;              ///< `lora_alpha`, or `alpha` of LoHa and LoKr.
  std::optional<float> rank;               ///< `r`, or AdaLoRA's `init_r`.
  std::vector<PeftPattern> alpha_pattern;  ///< The first match counts.
  std::vector<PeftPattern> rank_pattern;   ///< The first match counts.
  bool use_rslora = false;                 ///< Divides alpha by sqrt(rank).
  bool use_dora = false;
  std::int64_t oft_series_terms = 0;  ///< Terms of Cayley's transform; 0 for the exact one.
  bool oft_is_shared = false;
  /// Endings of the names of layers whose inputs IA3 scales.
  std::set<std::string> feedforward_modules;
  /// Replaces feedforward_modules: a regular expression for whole layer names, and its place for messages.
  std::optional<std::pair<std::string, std::string>> feedforward_pattern;
  std::set<std::string> saved_modules;  ///< `modules_to_save`.

  /// Returns a layer's alpha, from alpha_pattern or else the common one.
  [[nodiscard]] std::optional<float> alpha_of(const std::string& layer) const;
  /// Returns a layer's rank, from rank_pattern or else the common one.
  [[nodiscard]] std::optional<float> rank_of(const std::string& layer) const;
  /// True if IA3 scales this layer's inputs. Throws Error for a regular expression that is not a plain name.
  [[nodiscard]] bool is_feedforward(const std::string& layer) const;
};

/// peft's configuration of an adapter file. diffusers stores it in the file (`lora_adapter_metadata`), peft
/// in `adapter_config.json` beside it.
class PeftConfig {
 public:
  /// `adapter_config` is the text of that file, if any, and `config_name` its name for messages. Throws Error
  /// with file and field for malformed values and for unsupported ones that change the result.
  PeftConfig(const std::map<std::string, std::string>& metadata, const std::string& file,
             const std::optional<std::string>& adapter_config, const std::string& config_name);

  /// Returns the settings for "unet" or "text_encoder", or nullptr if there are none.
  [[nodiscard]] const PeftSettings* find(const std::string& network) const;
  /// Full sentences about adapters that need more than this file, although they are applied.
  [[nodiscard]] const std::vector<std::string>& warnings() const { return warnings_; }

 private:
  void read_metadata(const std::string& text, const std::string& where);
  void read_adapter_config(const std::string& text, const std::string& where);

  std::map<std::string, PeftSettings> networks_;  // the key "" stands for any network
  std::vector<std::string> warnings_;
};

}  // namespace streamdiffusion
