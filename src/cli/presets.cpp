#include "cli/presets.h"

#include <algorithm>
#include <set>

#include "cli/common_options.h"
#include "cli/config_file.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion::cli {
namespace {

constexpr std::string_view kSd15 = "stable-diffusion-v1-5/stable-diffusion-v1-5";
constexpr std::string_view kLcmLora = "latent-consistency/lcm-lora-sdv1-5";

std::string preset_names() {
  std::string all;
  for (const Preset& preset : presets()) {
    all += (all.empty() ? "" : ", ") + std::string(preset.name);
  }
  return all;
}

void set_preset_option(CLI::App& app, const std::string& name, std::string_view value,
                       const std::set<const CLI::Option*>& fixed) {
  CLI::Option* const option = app.get_option_no_throw("--" + name);
  if (option == nullptr || fixed.contains(option)) {
    return;
  }
  option->add_result(std::string(value));
  option->run_callback();
}

}  // namespace

std::span<const Preset> presets() {
  // Licences and sizes are those on the models' pages. Sizes are of the download without TAESD.
  static const std::vector<Preset> all = {
      {.name = "default",
       .model = "",
       .lora = "",
       .size = "comes along",
       .licence = "see models/default/README.md",
       .about = "256x256, 300 things; quick everywhere",
       .options = {{"steps", "2"}, {"strength", "0.5"}}},
      {.name = "sd-turbo",
       .model = "stabilityai/sd-turbo",
       .lora = "",
       .size = "2.6 GB",
       .licence = "Stability AI's; commercial use: see its page",
       .about = "512x512; one step is enough, without guidance",
       .options = {{"steps", "1"}, {"strength", "0.5"}, {"cfg-type", "none"}}},
      {.name = "lcm-dreamshaper",
       .model = "SimianLuo/LCM_Dreamshaper_v7",
       .lora = "",
       .size = "4.3 GB",
       .licence = "MIT",
       .about = "768x768; guidance is distilled into it",
       .options = {{"steps", "4"}, {"strength", "0.5"}, {"cfg-type", "none"}, {"guidance-embedding", "7"}}},
      {.name = "sd15-lcm",
       .model = kSd15,
       .lora = kLcmLora,
       .size = "2.3 GB",
       .licence = "CreativeML OpenRAIL-M; LoRA OpenRAIL++",
       .about = "512x512; takes LoRAs of Stable Diffusion 1.5",
       .options = {{"steps", "4"}, {"strength", "0.5"}, {"cfg-type", "self"}, {"guidance-scale", "1.2"}}},
      {.name = "kohaku-lcm",
       .model = "KBlueLeaf/kohaku-v2.1/kohaku-v2.1.safetensors",
       .lora = kLcmLora,
       .size = "2.3 GB",
       .licence = "CC BY-NC-ND 4.0; LoRA OpenRAIL++",
       .about = "512x512; drawings, the original StreamDiffusion's example",
       .options = {{"steps", "4"}, {"strength", "0.5"}, {"cfg-type", "self"}, {"guidance-scale", "1.2"}}},
      {.name = "sd15-hyper",
       .model = kSd15,
       .lora = "ByteDance/Hyper-SD/Hyper-SD15-1step-lora.safetensors",
       .size = "2.4 GB",
       .licence = "CreativeML OpenRAIL-M; LoRA: see its page",
       .about = "512x512; one step and more, without guidance",
       .options = {{"steps", "1"}, {"strength", "0.7"}, {"cfg-type", "none"}}},
      {.name = "sdxs",
       .model = "IDKiro/sdxs-512-0.9",
       .lora = "",
       .size = "see its page",
       .licence = "OpenRAIL++",
       .about = "512x512; the smallest network of these, made for one step",
       .options = {{"steps", "1"}, {"strength", "0.7"}, {"cfg-type", "none"}}},
  };
  return all;
}

void apply_preset(CLI::App& app, const std::string& name) {
  const auto preset = std::ranges::find(presets(), name, &Preset::name);
  if (preset == presets().end()) {
    throw UsageError("--preset \"" + name + "\" is not one of " + preset_names());
  }
  const std::set<const CLI::Option*> fixed = fixed_options(app);
  if (!preset->model.empty()) {
    set_preset_option(app, "model", preset->model, fixed);
  }
  if (!preset->lora.empty()) {
    set_preset_option(app, "lora", preset->lora, fixed);
  }
  const bool redraws = app.get_name() != "txt2img";
  for (const auto& [option, value] : preset->options) {
    if (option != "strength" || redraws) {
      set_preset_option(app, std::string(option), value, fixed);
    }
  }
}

}  // namespace streamdiffusion::cli
