#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace streamdiffusion {

/// Notes of a LoRA's or checkpoint's maker, for display. Absent fields are empty. Each text is from the file,
/// on one line and cut to a length for a terminal.
struct LoraMetadata {
  std::string title;
  /// Method by the tensors' names, such as "LoRA" or "LoHa with DoRA"; empty if unknown.
  std::string method;
  std::string base_model;
  std::string resolution;
  std::string rank;
  std::string alpha;
  std::string author;
  std::string license;
  std::string description;
  /// Words or tags of the training data, the most frequent first.
  std::vector<std::string> trigger_words;

  /// Returns label and text of each field that is not empty, in display order.
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> lines() const;
};

/// Reads `__metadata__` (kohya's `ss_...`, `modelspec...`) and tensor names. Ignores malformed entries.
LoraMetadata read_lora_metadata(const std::map<std::string, std::string>& metadata,
                                const std::vector<std::string>& tensor_names);

}  // namespace streamdiffusion
