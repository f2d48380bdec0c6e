#include "control/blends_json.h"

#include <cstddef>
#include <random>
#include <string>
#include <utility>

#include "control/json_numbers.h"
#include "control/settings_json.h"

namespace streamdiffusion {

namespace {

using Json = nlohmann::json;

constexpr std::size_t kMostBlended = 16;
constexpr float kLargestWeight = 1000;

/// Reads a list of objects with the field `what` and an optional `weight` (default 1). Calls add(item,
/// weight) for each.
template <typename Add>
void read_blend(const char* name, const char* what, const Json& value, Add&& add) {
  const std::string form = std::string("must be a list of at most ") + std::to_string(kMostBlended) +
                           R"( objects such as {")" + what + R"(": ..., "weight": 0.5})";
  if (!value.is_array() || value.size() > kMostBlended) {
    throw FieldError(name, form);
  }
  float sum = 0;
  for (const Json& item : value) {
    const bool weighted = item.is_object() && item.contains("weight");
    if (!item.is_object() || !item.contains(what) || item.size() != (weighted ? 2U : 1U)) {
      throw FieldError(name, form);
    }
    const float weight = weighted ? number_of(name, item["weight"], 0, kLargestWeight) : 1.0F;
    add(item[what], weight);
    sum += weight;
  }
  if (!value.empty() && sum <= 0) {
    throw FieldError(name, "must have a weight above 0");
  }
}

}  // namespace

void set_prompts(const Json& value, Settings& settings) {
  std::vector<WeightedPrompt> prompts;
  read_blend("prompts", "text", value, [&prompts](const Json& text, float weight) {
    if (!text.is_string() || text.get_ref<const std::string&>().size() > kLongestPrompt) {
      throw FieldError("prompts", "must have texts of at most " + std::to_string(kLongestPrompt) + " bytes");
    }
    prompts.push_back({.text = text.get<std::string>(), .weight = weight});
  });
  settings.prompts = std::move(prompts);
}

Json prompts_of(const Settings& settings) {
  Json json = Json::array();
  for (const WeightedPrompt& prompt : settings.prompts) {
    json.push_back({{"text", prompt.text}, {"weight", short_number(prompt.weight)}});
  }
  return json;
}

void set_seeds(const Json& value, Settings& settings) {
  std::vector<WeightedSeed> seeds;
  read_blend("seeds", "seed", value, [&seeds](const Json& seed, float weight) {
    seeds.push_back({.seed = seed_of("seeds", seed), .weight = weight});
  });
  settings.seeds = std::move(seeds);
}

Json seeds_of(const Settings& settings) {
  Json json = Json::array();
  for (const WeightedSeed& seed : settings.seeds) {
    json.push_back({{"seed", seed.seed}, {"weight", short_number(seed.weight)}});
  }
  return json;
}

std::uint64_t seed_of(const char* name, const Json& value) {
  const Json seed = as_integer(value);
  if (seed.is_number_integer() && !seed.is_number_unsigned() && seed.get<std::int64_t>() == -1) {
    return std::random_device{}() & 0x7fffffffU;  // 31 bits, so that users can copy it into other programs
  }
  if (!seed.is_number_unsigned()) {
    throw FieldError(name, "must be an integer from 0 on, or -1 for a random one");
  }
  return seed.get<std::uint64_t>();
}

}  // namespace streamdiffusion
