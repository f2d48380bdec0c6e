#include "streamdiffusion/parameters.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <string_view>

#include "settings/choices.h"
#include "settings/setting.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion {

namespace {

// Position of the last of several steps in the schedule. Later steps see almost no noise and change almost
// nothing. The lists that the original recommends ([32, 45] and [0, 16, 32, 45] of 50) end here too.
constexpr double kLastStep = 0.9;

/// Returns the index of a choice's name. Throws Error, which says what is permitted, for another name.
std::size_t index_of(const std::string& name, const char* what, std::span<const std::string_view> names) {
  const auto found = std::ranges::find(names, name);
  if (found == names.end()) {
    throw ArgumentError(std::string(what) + " \"" + name + "\" is not known: use " +
                        permitted_values(ChoiceSetting{.names = names}));
  }
  return static_cast<std::size_t>(found - names.begin());
}

}  // namespace

Parameters variation_of(Parameters parameters, std::uint32_t variation) {
  parameters.seed += variation;
  for (WeightedSeed& seed : parameters.seeds) {
    seed.seed += variation;
  }
  return parameters;
}

CfgType parse_cfg_type(const std::string& name) {
  return static_cast<CfgType>(index_of(name, "cfg type", kCfgTypeNames));
}

const char* to_string(CfgType type) { return kCfgTypeNames.at(static_cast<std::size_t>(type)).data(); }

Blend parse_blend(const std::string& name) {
  return static_cast<Blend>(index_of(name, "blend", kBlendNames));
}

const char* to_string(Blend blend) { return kBlendNames.at(static_cast<std::size_t>(blend)).data(); }

std::vector<int> t_index_list_for(float strength, int steps, int num_inference_steps) {
  Settings settings{.strength = strength, .steps = steps};
  settings.parameters.num_inference_steps = num_inference_steps;
  check_ranges(settings);
  const int below =
      std::max(1, static_cast<int>(std::lround(static_cast<double>(strength) * num_inference_steps)));
  if (steps > below && below == num_inference_steps) {
    throw ArgumentError("steps is " + std::to_string(steps) + ", must be 1 to " + std::to_string(below) +
                        ", the length of the schedule (num_inference_steps)");
  }
  if (steps > below) {
    throw ArgumentError("steps is " + std::to_string(steps) + ": strength " + text_of(strength) + " of " +
                        std::to_string(num_inference_steps) + " timesteps leaves room for 1 to " +
                        std::to_string(below) + "; take fewer steps or more strength");
  }
  const int first = num_inference_steps - below;
  const int preferred = static_cast<int>(std::lround(kLastStep * num_inference_steps));
  const int last = std::min(num_inference_steps - 1, std::max(preferred, first + steps - 1));
  std::vector<int> indices = {first};
  for (int i = 1; i < steps; ++i) {
    indices.push_back(first +
                      static_cast<int>(std::lround(static_cast<double>(i) * (last - first) / (steps - 1))));
  }
  return indices;
}

}  // namespace streamdiffusion
