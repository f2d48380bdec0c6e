#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace streamdiffusion {

/// What the trainer of a LoRA, or the maker of a checkpoint, noted in the file, for people. Fields are empty
/// where nothing is said. The texts are the file's: one line each, cut to a length for a terminal.
struct LoraMetadata {
  std::string title;
  std::string method;  ///< "LoRA", "LoHa", "IA3", ..., with DoRA where it is; of the tensors; else empty
  std::string base_model;
  std::string resolution;
  std::string rank;
  std::string alpha;
  std::string author;
  std::string license;
  std::string description;
  std::vector<std::string>
      trigger_words;  ///< the words or tags that it was trained with, the most used first

  /// Label and text of what is said, in the order to show.
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> lines() const;
};

/// From a file's `__metadata__` (kohya's `ss_...`, `modelspec...`) and the names of its tensors. What is
/// malformed counts as not said.
LoraMetadata read_lora_metadata(const std::map<std::string, std::string>& metadata,
                                const std::vector<std::string>& tensor_names);

}  // namespace streamdiffusion
