#include "cli/settings.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <system_error>
#include <variant>

#include "cli/checks.h"
#include "cli/default_model.h"
#include "cli/hub_session.h"
#include "cli/presets.h"
#include "model/prompt/lora_tags.h"
#include "settings/setting.h"
#include "streamdiffusion/hub.h"

namespace streamdiffusion::cli {
namespace {

int round_to_multiple(double size, int multiple) {
  return std::max(1, static_cast<int>(std::lround(size / multiple))) * multiple;
}

void check_side(const char* option, int size, int multiple) {
  if (size % multiple == 0) {
    return;
  }
  const int below = size / multiple * multiple;
  throw Error(std::string(option) + " " + std::to_string(size) + " is not a multiple of " +
              std::to_string(multiple) + "; take " + (below > 0 ? std::to_string(below) + " or " : "") +
              std::to_string(below + multiple));
}

void warn_of_guidance_without_effect(const Settings& settings, const Console& console) {
  const Parameters& parameters = settings.parameters;
  if (parameters.guidance_scale > 1 && parameters.cfg_type == CfgType::none) {
    console.warning("--guidance-scale has no effect with --cfg-type none");
  }
  if (!parameters.negative_prompt.empty() && !uses_negative_prompt(settings)) {
    console.warning(
        "--negative-prompt has no effect: it takes --cfg-type full or initialize and a --guidance-scale "
        "above 1");
  }
  if (parameters.delta != Settings{}.parameters.delta && !uses_delta(settings)) {
    console.warning(
        "--delta has no effect: it takes --cfg-type self or initialize and a --guidance-scale above 1");
  }
}

/// Refuses a tag before the model is loaded, which would refuse it too.
void check_lora_tags(const CommonOptions& options, const std::string& prompt) {
  const std::vector<LoraScale> loras = take_lora_tags(prompt).loras;
  if (!loras.empty() && options.lora_folder.empty()) {
    const std::string& name = loras.front().name;
    throw Error("the prompt names the LoRA \"" + name + "\"; give the folder that holds " + name +
                ".safetensors with --lora-dir FOLDER");
  }
}

/// Downloads missing parts of the model. The hub session ends before the return, so that Ctrl-C ends the
/// program again.
ModelOptions fetch(const ModelOptions& model, const Console& console) {
  HubSession session(console);
  return session.run([&](const HubOptions& hub) { return fetch_model(model, hub); });
}

/// Sets the prompts. Weights are split off only if there are several prompts; a single one may end in ":1".
void set_prompts(const CommonOptions& options, Parameters& parameters) {
  if (options.prompts.size() == 1) {
    parameters.prompt = options.prompts.front();
    return;
  }
  for (const std::string& text : options.prompts) {
    const auto [prompt, weight] = split_weight(text).value_or(std::pair(text, 1.0F));
    parameters.prompts.push_back({.text = prompt, .weight = weight});
  }
}

void set_seeds(const CommonOptions& options, Parameters& parameters) {
  for (const std::string& text : options.seeds) {
    const auto [seed, weight] = split_weight(text).value_or(std::pair(text, 1.0F));
    std::uint64_t number = 0;
    parse_number(std::string_view(seed), number);
    parameters.seeds.push_back({.seed = number, .weight = weight});
  }
  if (parameters.seeds.size() == 1) {
    parameters.seed = parameters.seeds.front().seed;
    parameters.seeds.clear();
  }
}

/// Refuses what stands where a scale belongs: behind the last colon of `lora`, which is --lora's `text`
/// without its scale. An address and the name of a file are not meant as one.
void check_scale(const std::string& text, const std::string& lora, bool has_scale) {
  const std::size_t colon = lora.rfind(':');
  std::error_code error;
  if (colon == std::string::npos || std::filesystem::exists(lora, error)) {
    return;
  }
  const std::string behind = lora.substr(colon + 1);
  if (behind.find('/') != std::string::npos || behind.ends_with(".safetensors")) {
    return;
  }
  const std::string advice = "give one number, such as " + lora.substr(0, colon) + ":0.8";
  throw Error("--lora " + text + ": " +
              (has_scale ? "has several scales; " : "\"" + behind + "\" is no scale; ") + advice);
}

/// Points to --preset where a preset's name is given as the model.
void check_not_a_preset(const std::string& model) {
  const auto preset = std::ranges::find(presets(), model, &Preset::name);
  std::error_code error;
  if (preset != presets().end() && !std::filesystem::exists(model, error)) {
    throw Error(model + ": there is no such folder or file; it is the name of a preset: give --preset " +
                model + (preset->model.empty() ? "" : ", or its model alone: " + std::string(preset->model)));
  }
}

}  // namespace

LoraOptions parse_lora(const std::string& text) {
  LoraOptions lora;
  lora.file = text;
  std::error_code error;
  if (std::filesystem::exists(text, error)) {
    return lora;
  }
  const auto weighted = split_weight(text);
  check_scale(text, weighted ? weighted->first : text, weighted.has_value());
  if (!weighted) {
    return lora;
  }
  const Range<float>& scales = std::get<LorasSetting>(find_setting("loras")->type).scale;
  if (!scales.contains(weighted->second)) {
    throw Error("--lora " + text + ": the scale must be a number " + text_of(scales));
  }
  lora.file = weighted->first;
  lora.scale = weighted->second;
  return lora;
}

EmbeddingOptions parse_embedding(const std::string& text) {
  static constexpr std::string_view kEnd = ".safetensors:";
  const std::size_t end = text.rfind(kEnd);
  if (end == std::string::npos) {
    return {.file = text, .token = ""};
  }
  const std::size_t colon = end + kEnd.size() - 1;
  return {.file = text.substr(0, colon), .token = text.substr(colon + 1)};
}

std::vector<int> parse_t_index_list(const std::string& text) {
  std::vector<int> indices;
  std::string_view rest = text;
  for (;;) {
    const std::size_t comma = rest.find(',');
    std::string_view item = rest.substr(0, comma);
    item.remove_prefix(std::min(item.find_first_not_of(' '), item.size()));
    int index = 0;
    if (!parse_number(item, index)) {
      throw Error("--t-index-list \"" + text + "\" is not a list of integers such as 20,35");
    }
    indices.push_back(index);
    if (comma == std::string_view::npos) {
      return indices;
    }
    rest.remove_prefix(comma + 1);
  }
}

Size parse_size(const std::string& text) {
  const std::size_t cross = text.find('x');
  if (cross != std::string::npos) {
    Size size;
    if (parse_number(std::string_view(text).substr(0, cross), size.width) &&
        parse_number(std::string_view(text).substr(cross + 1), size.height) && size.width > 0 &&
        size.height > 0) {
      return size;
    }
  }
  throw Error("--input-size \"" + text + "\" is not a size such as 640x480");
}

Size choose_size(const CommonOptions& options, const ModelInfo& model, std::optional<Size> input) {
  const int multiple = model.size_multiple;
  check_side("--width", options.width, multiple);
  check_side("--height", options.height, multiple);
  Size size{options.width, options.height};
  const double aspect = input ? static_cast<double>(input->width) / input->height : 1;
  const double native = model.native_size;
  if (size.width == 0 && size.height == 0) {
    size = {round_to_multiple(native * std::max(aspect, 1.0), multiple),
            round_to_multiple(native * std::max(1 / aspect, 1.0), multiple)};
  } else if (size.width == 0) {
    size.width = round_to_multiple(input ? size.height * aspect : native, multiple);
  } else if (size.height == 0) {
    size.height = round_to_multiple(input ? size.width / aspect : native, multiple);
  }
  return size;
}

ModelOptions find_model(const CommonOptions& options, const Console& console) {
  check_not_a_preset(options.model);
  ModelOptions model;
  model.path = options.model.empty() ? default_model() : std::filesystem::path(options.model);
  if (!options.vae.empty()) {
    model.vae = options.vae;
  }
  for (const std::string& lora : options.loras) {
    model.loras.push_back(parse_lora(lora));
  }
  if (!options.lora_folder.empty()) {
    model.lora_folder = options.lora_folder;
  }
  for (const std::string& embedding : options.embeddings) {
    check_utf8("--embedding", embedding);
    model.embeddings.push_back(parse_embedding(embedding));
  }
  model.prompt_weights = options.prompt_weights;
  model.device = options.device;
  model.precision = options.precision;
  model.threads = options.threads;
  model.clip_skip = options.clip_skip;
  model.prediction_type = options.prediction_type;
  model.on_warning = [console](const std::string& text) { console.warning(text); };
  model.on_note = [console](const std::string& text) { console.info(text); };
  return fetch(model, console);
}

std::shared_ptr<Model> load_model(const CommonOptions& options, const Console& console) {
  return Model::load(find_model(options, console));
}

void draw_seeds(CommonOptions& options, const Console& console) {
  for (std::string& text : options.seeds) {
    if (text == "-1" || text.starts_with("-1:")) {
      const std::string drawn = std::to_string(std::random_device{}() & 0x7fffffffU);
      console.info("seed " + drawn);
      text.replace(0, 2, drawn);
    }
  }
}

void warn_of_transitions_without_effect(const CommonOptions& options, const Console& console) {
  const Parameters& parameters = options.settings.parameters;
  for (const auto& [name, seconds] : {std::pair("--prompt-transition", parameters.prompt_transition),
                                      std::pair("--seed-transition", parameters.seed_transition)}) {
    if (seconds > 0) {
      console.warning(std::string(name) + " has no effect: only live streams change their settings");
    }
  }
}

Settings make_settings(const CommonOptions& options, const Console& console) {
  for (const std::string& prompt : options.prompts) {
    check_utf8("the prompt", prompt);
    check_lora_tags(options, prompt);
  }
  Settings settings = options.settings;
  check_utf8("the negative prompt", settings.parameters.negative_prompt);
  set_prompts(options, settings.parameters);
  set_seeds(options, settings.parameters);
  if (!options.t_index_list.empty()) {
    settings.parameters.t_index_list = parse_t_index_list(options.t_index_list);
  }
  check_ranges(settings);
  warn_of_guidance_without_effect(settings, console);
  return settings;
}

}  // namespace streamdiffusion::cli
