#include "cli/description.h"

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "cli/setting_values.h"
#include "streamdiffusion/version.h"

namespace streamdiffusion::cli {
namespace {

bool guided(const Parameters& parameters) {
  return parameters.cfg_type != CfgType::none && parameters.guidance_scale > 1;
}

/// Only the file name: images are passed on, so they must not contain the user's paths.
std::string file_name(const std::string& path) { return std::filesystem::path(path).filename().string(); }

std::vector<std::string> file_names(const std::vector<std::string>& paths) {
  std::vector<std::string> names;
  std::ranges::transform(paths, std::back_inserter(names), file_name);
  return names;
}

std::string join_texts(const std::vector<std::string>& texts) {
  std::string all;
  for (const std::string& text : texts) {
    all += (all.empty() ? "" : " | ") + text;
  }
  return all;
}

std::string prompt_text(const Parameters& parameters) {
  return parameters.prompts.empty() ? parameters.prompt : join_texts(weighted_texts(parameters.prompts));
}

std::string seed_text(const Parameters& parameters) {
  return parameters.seeds.empty() ? std::to_string(parameters.seed)
                                  : join_texts(weighted_texts(parameters.seeds));
}

std::string readable_text(const CommonOptions& options, const Parameters& parameters, const ModelInfo& model,
                          Size size) {
  std::ostringstream text;
  text << prompt_text(parameters) << "\n";
  if (!parameters.negative_prompt.empty()) {
    text << "Negative prompt: " << parameters.negative_prompt << "\n";
  }
  text << "Steps: " << parameters.t_index_list.size()
       << ", Sampler: LCM, CFG scale: " << parameters.guidance_scale;
  if (guided(parameters)) {
    text << ", CFG type: " << to_string(parameters.cfg_type) << ", Delta: " << parameters.delta;
  }
  text << ", Seed: " << seed_text(parameters) << ", Size: " << size.width << "x" << size.height
       << ", Model: " << model.name << ", t_index_list:";
  for (const int index : parameters.t_index_list) {
    text << " " << index;
  }
  text << " of " << parameters.num_inference_steps;
  for (const std::string& lora : file_names(options.loras)) {
    text << ", Lora: " << lora;
  }
  text << ", Version: streamdiffusion " << version();
  return text.str();
}

std::string as_json(const CommonOptions& options, const Parameters& parameters, const ModelInfo& model,
                    Size size) {
  nlohmann::ordered_json json;
  json["version"] = version();
  json.update(setting_values({.parameters = parameters}));
  json["model"] = model.name;
  json["vae"] = file_name(options.vae);
  json["lora"] = file_names(options.loras);
  json["embedding"] = file_names(options.embeddings);
  json["prompt-weights"] = options.prompt_weights;
  json["clip-skip"] = options.clip_skip;
  json["prediction-type"] = options.prediction_type;
  json["width"] = size.width;
  json["height"] = size.height;
  return json.dump();
}

}  // namespace

std::map<std::string, std::string> describe(const CommonOptions& options, const Parameters& parameters,
                                            const ModelInfo& model, Size size) {
  return {{"parameters", readable_text(options, parameters, model, size)},
          {"streamdiffusion", as_json(options, parameters, model, size)}};
}

}  // namespace streamdiffusion::cli
