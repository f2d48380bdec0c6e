#include "settings/settings.h"

namespace streamdiffusion {

namespace {

bool is_guided_by(const Settings& settings, CfgType type, CfgType other) {
  const Parameters& parameters = settings.parameters;
  return parameters.guidance_scale > 1 && (parameters.cfg_type == type || parameters.cfg_type == other);
}

}  // namespace

Parameters make_parameters(const Settings& settings) {
  Parameters parameters = settings.parameters;
  parameters.similarity_filter.enabled = parameters.similarity_filter.threshold < 1;
  if (parameters.t_index_list.empty()) {
    parameters.t_index_list =
        t_index_list_for(settings.strength, settings.steps, parameters.num_inference_steps);
  }
  return parameters;
}

bool uses_negative_prompt(const Settings& settings) {
  return is_guided_by(settings, CfgType::full, CfgType::initialize);
}

bool uses_delta(const Settings& settings) {
  return is_guided_by(settings, CfgType::self, CfgType::initialize);
}

}  // namespace streamdiffusion
