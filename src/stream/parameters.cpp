#include "streamdiffusion/parameters.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "streamdiffusion/error.h"

namespace streamdiffusion {

namespace {

constexpr std::array<std::pair<CfgType, const char*>, 4> kCfgTypes = {{{CfgType::none, "none"},
                                                                       {CfgType::full, "full"},
                                                                       {CfgType::self, "self"},
                                                                       {CfgType::initialize, "initialize"}}};

// Position of the last of several steps in the schedule. Later steps see almost no noise and change almost
// nothing. The lists that the original recommends ([32, 45] and [0, 16, 32, 45] of 50) end here too.
constexpr double kLastStep = 0.9;

}  // namespace

Parameters variation_of(Parameters parameters, std::uint32_t variation) {
  parameters.seed += variation;
  for (WeightedSeed& seed : parameters.seeds) {
    seed.seed += variation;
  }
  return parameters;
}

CfgType parse_cfg_type(const std::string& name) {
  for (const auto& [type, type_name] : kCfgTypes) {
    if (name == type_name) {
      return type;
    }
  }
  throw Error("cfg type \"" + name + "\" is not known: use none, full, self or initialize");
}

const char* to_string(CfgType type) {
  for (const auto& [known, name] : kCfgTypes) {
    if (known == type) {
      return name;
    }
  }
  return "?";
}

Blend parse_blend(const std::string& name) {
  if (name == "linear" || name == "slerp") {
    return name == "linear" ? Blend::linear : Blend::slerp;
  }
  throw Error("blend \"" + name + "\" is not known: use linear or slerp");
}

const char* to_string(Blend blend) { return blend == Blend::linear ? "linear" : "slerp"; }

std::vector<int> t_index_list_for(float strength, int steps, int num_inference_steps) {
  if (num_inference_steps < 1) {
    throw Error("num_inference_steps is " + std::to_string(num_inference_steps) + ", must be at least 1");
  }
  if (!(strength > 0.0F && strength <= 1.0F)) {
    throw Error("strength is " + std::to_string(strength) + ", must be above 0 and at most 1");
  }
  const int below =
      std::max(1, static_cast<int>(std::lround(static_cast<double>(strength) * num_inference_steps)));
  if ((steps < 1 || steps > below) && below == num_inference_steps) {
    throw Error("steps is " + std::to_string(steps) + ", must be 1 to " + std::to_string(below) +
                ", the length of the schedule (num_inference_steps)");
  }
  if (steps < 1 || steps > below) {
    throw Error("steps is " + std::to_string(steps) + ": strength " + std::to_string(strength) + " of " +
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
