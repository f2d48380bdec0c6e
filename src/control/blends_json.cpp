#include "control/blends_json.h"

#include <cstddef>
#include <optional>
#include <random>

#include "control/json_numbers.h"
#include "control/settings_json.h"

namespace streamdiffusion {

namespace {

using Json = nlohmann::json;

/// Reads a list of at most `most` objects with the field `what` and an optional `weight` (default 1). Calls
/// add(item, weight) for each.
template <typename Add>
void read_blend(const char* name, const char* what, std::size_t most, const Range<float>& weights,
                const Json& value, Add&& add) {
  const std::string form = std::string("must be a list of at most ") + std::to_string(most) +
                           R"( objects such as {")" + what + R"(": ..., "weight": 0.5})";
  if (!value.is_array() || value.size() > most) {
    throw FieldError(name, form);
  }
  float sum = 0;
  for (const Json& item : value) {
    const bool weighted = item.is_object() && item.contains("weight");
    if (!item.is_object() || !item.contains(what) || item.size() != (weighted ? 2U : 1U)) {
      throw FieldError(name, form);
    }
    const std::optional<float> weight = weighted ? number_in(weights, item["weight"]) : 1.0F;
    if (!weight) {
      throw FieldError(name, "must have weights " + text_of(weights));
    }
    add(item[what], *weight);
    sum += *weight;
  }
  if (!value.empty() && sum <= 0) {
    throw FieldError(name, "must have a weight above 0");
  }
}

}  // namespace

std::vector<WeightedPrompt> read_prompts(const PromptsSetting& type, const Json& value) {
  std::vector<WeightedPrompt> prompts;
  read_blend("prompts", "text", type.most, type.weight, value, [&prompts](const Json& text, float weight) {
    prompts.push_back({.text = read_text("prompts", text), .weight = weight});
  });
  return prompts;
}

Json to_json(const std::vector<WeightedPrompt>& prompts) {
  Json json = Json::array();
  for (const WeightedPrompt& prompt : prompts) {
    json.push_back({{"text", prompt.text}, {"weight", short_number(prompt.weight)}});
  }
  return json;
}

std::vector<WeightedSeed> read_seeds(const SeedsSetting& type, const Json& value) {
  std::vector<WeightedSeed> seeds;
  read_blend("seeds", "seed", type.most, type.weight, value, [&seeds](const Json& seed, float weight) {
    seeds.push_back({.seed = read_seed("seeds", seed), .weight = weight});
  });
  return seeds;
}

Json to_json(const std::vector<WeightedSeed>& seeds) {
  Json json = Json::array();
  for (const WeightedSeed& seed : seeds) {
    json.push_back({{"seed", seed.seed}, {"weight", short_number(seed.weight)}});
  }
  return json;
}

std::string read_text(const std::string& name, const Json& value) {
  if (!value.is_string() || value.get_ref<const std::string&>().size() > kLongestPrompt) {
    throw FieldError(name, "must be " + permitted_values(PromptSetting{}));
  }
  return value.get<std::string>();
}

std::uint64_t read_seed(const std::string& name, const Json& value) {
  const Json seed = as_integer(value);
  if (seed.is_number_integer() && !seed.is_number_unsigned() && seed.get<std::int64_t>() == -1) {
    return std::random_device{}() & 0x7fffffffU;  // 31 bits, so that users can copy it into other programs
  }
  if (!seed.is_number_unsigned()) {
    throw FieldError(name, "must be " + permitted_values(SeedSetting{}));
  }
  return seed.get<std::uint64_t>();
}

}  // namespace streamdiffusion
