#include "model/weights/lora_metadata.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string_view>

#include "model/files/json.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion {

namespace {

using Json = nlohmann::json;
using Metadata = std::map<std::string, std::string>;

constexpr std::size_t kLongestText = 300;  // bytes
constexpr std::size_t kWordsKept = 20;
constexpr std::size_t kLongestJson = 16'000'000;

/// Returns one line without control characters (which terminals obey), cut between UTF-8 characters.
std::string to_one_line(std::string_view text) {
  std::string line;
  for (const char c : text.substr(0, kLongestText)) {
    const auto byte = static_cast<unsigned char>(c);
    line += byte < 0x20 || byte == 0x7f ? ' ' : c;
  }
  if (text.size() > kLongestText) {
    while (!line.empty() && (static_cast<unsigned char>(line.back()) & 0xC0U) == 0x80U) {
      line.pop_back();
    }
    if (!line.empty() && static_cast<unsigned char>(line.back()) >= 0x80) {
      line.pop_back();
    }
    line += "...";
  }
  return line;
}

/// Returns the text of the first key that has one.
std::string find_text(const Metadata& metadata, std::initializer_list<const char*> keys) {
  for (const char* const key : keys) {
    const auto found = metadata.find(key);
    if (found != metadata.end() && !found->second.empty() && found->second != "None") {
      return to_one_line(found->second);
    }
  }
  return "";
}

/// Returns null for invalid JSON and for a text above kLongestJson bytes.
Json parse_or_null(const std::string& text) {
  try {
    return text.size() <= kLongestJson ? parse_json(text, "metadata") : Json();
  } catch (const Error&) {
    return {};
  }
}

/// Sums kohya's `ss_tag_frequency`, which has an object from tag to count for each folder of images.
std::map<std::string, std::int64_t> count_tags(const std::string& text) {
  std::map<std::string, std::int64_t> counts;
  const Json json = parse_or_null(text);
  if (!json.is_object()) {
    return counts;
  }
  for (const auto& [folder, tags] : json.items()) {
    if (!tags.is_object()) {
      continue;
    }
    for (const auto& [tag, count] : tags.items()) {
      if (count.is_number_unsigned() && count.get<std::uint64_t>() < 1'000'000'000) {
        counts[tag] += count.get<std::int64_t>();
      }
    }
  }
  return counts;
}

std::string trim(std::string_view text) {
  const std::size_t begin = std::min(text.find_first_not_of(" \t"), text.size());
  return std::string(text.substr(begin, text.find_last_not_of(" \t") + 1 - begin));
}

std::vector<std::string> trigger_words_of(const Metadata& metadata) {
  if (const std::string phrase = find_text(metadata, {"modelspec.trigger_phrase"}); !phrase.empty()) {
    return {phrase};
  }
  const auto found = metadata.find("ss_tag_frequency");
  if (found == metadata.end()) {
    return {};
  }
  const std::map<std::string, std::int64_t> counts = count_tags(found->second);
  std::vector<std::pair<std::string, std::int64_t>> tags(counts.begin(), counts.end());
  std::ranges::stable_sort(tags, std::greater<>(), &std::pair<std::string, std::int64_t>::second);
  std::vector<std::string> words;
  for (const auto& [tag, count] : tags) {
    if (const std::string word = to_one_line(trim(tag)); !word.empty() && words.size() < kWordsKept) {
      words.push_back(word);
    }
  }
  return words;
}

/// A part of a tensor's name and the method that it shows.
struct MethodMark {
  std::string_view part;
  std::string_view method;
};

// If a method has another one's tensors too, it comes before that.
constexpr auto kMethodMarks = std::to_array<MethodMark>({{".hada_w1", "LoHa"},
                                                         {".lokr_w1", "LoKr"},
                                                         {".lora_E", "AdaLoRA"},
                                                         {".lora_diag", "KaSA"},
                                                         {".lambda_layer", "T-LoRA"},
                                                         {".vera_lambda_b", "VeRA"},
                                                         {".ia3_l", "IA3"},
                                                         {".on_input", "IA3"},
                                                         {".boft_", "BOFT"},
                                                         {".oft_", "OFT"},
                                                         {"lora_down.", "LoRA"},
                                                         {"lora_A.", "LoRA"},
                                                         {"lora.down.", "LoRA"},
                                                         {"lora_linear_layer.down.", "LoRA"},
                                                         {".diff", "whole differences"},
                                                         {".w_norm", "whole differences"}});

std::string method_of(const std::vector<std::string>& names) {
  const auto any = [&names](std::string_view part) {
    return std::ranges::any_of(names,
                               [&](const std::string& name) { return name.find(part) != std::string::npos; });
  };
  const auto* const mark =
      std::ranges::find_if(kMethodMarks, [&](const MethodMark& tried) { return any(tried.part); });
  const bool dora = any(".dora_scale") || any(".lora_magnitude_vector");
  return mark == kMethodMarks.end() ? "" : std::string(mark->method) + (dora ? " with DoRA" : "");
}

}  // namespace

std::vector<std::pair<std::string, std::string>> LoraMetadata::lines() const {
  std::string words;
  for (const std::string& word : trigger_words) {
    words += (words.empty() ? "" : ", ") + word;
  }
  const std::vector<std::pair<std::string, std::string>> all = {{"title", title},
                                                                {"method", method},
                                                                {"base model", base_model},
                                                                {"resolution", resolution},
                                                                {"rank", rank},
                                                                {"alpha", alpha},
                                                                {"trigger words", words},
                                                                {"author", author},
                                                                {"license", license},
                                                                {"description", description}};
  std::vector<std::pair<std::string, std::string>> said;
  std::ranges::copy_if(all, std::back_inserter(said), [](const auto& line) { return !line.second.empty(); });
  return said;
}

LoraMetadata read_lora_metadata(const Metadata& metadata, const std::vector<std::string>& tensor_names) {
  LoraMetadata result;
  result.title = find_text(metadata, {"modelspec.title", "ss_output_name"});
  result.method = method_of(tensor_names);
  result.base_model =
      find_text(metadata, {"ss_base_model_version", "modelspec.architecture", "ss_sd_model_name"});
  if (const std::string file = find_text(metadata, {"ss_sd_model_name"});
      !file.empty() && file != result.base_model) {
    result.base_model += " (" + file + ")";
  }
  result.resolution = find_text(metadata, {"modelspec.resolution", "ss_resolution"});
  result.rank = find_text(metadata, {"ss_network_dim"});
  result.alpha = find_text(metadata, {"ss_network_alpha"});
  result.author = find_text(metadata, {"modelspec.author"});
  result.license = find_text(metadata, {"modelspec.license"});
  result.description = find_text(metadata, {"modelspec.description", "ss_training_comment"});
  result.trigger_words = trigger_words_of(metadata);
  return result;
}

}  // namespace streamdiffusion
