#include "control/lora_settings.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace streamdiffusion {

namespace {

/// Returns the LoRA's number; 0 for one that the model was loaded with.
std::uint64_t number_of(const LoraNumbers& numbers, const std::string& name) {
  const auto found = numbers.find(name);
  return found != numbers.end() ? found->second : 0;
}

}  // namespace

std::string ModelWithLoras::add_lora(const LoraOptions& lora) {
  std::string name = model->add_lora(lora);
  loras[name] = ++added_loras;
  return name;
}

void update_loras(const ModelWithLoras& model, SettingsWithLoras& settings) {
  std::vector<LoraScale>& scales = settings.settings.parameters.lora_scales;
  std::vector<LoraScale> loras;
  for (const LoraScale& lora : model.model->info().loras) {
    const auto known = std::ranges::find(scales, lora.name, &LoraScale::name);
    const bool is_same =
        known != scales.end() && number_of(settings.loras, lora.name) == number_of(model.loras, lora.name);
    loras.push_back(is_same ? *known : lora);
  }
  scales = std::move(loras);
  settings.loras = model.loras;
}

}  // namespace streamdiffusion
