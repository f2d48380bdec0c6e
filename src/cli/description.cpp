#include "cli/description.h"

#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "streamdiffusion/version.h"

namespace streamdiffusion::cli {
namespace {

bool guided(const Parameters& parameters) {
  return parameters.cfg_type != CfgType::none && parameters.guidance_scale > 1;
}

/// Only the file name: images are passed on, so they must not contain the user's paths.
std::string file_name(const std::string& path) { return std::filesystem::path(path).filename().string(); }

/// The double with the float's shortest decimal form: 1.2, not 1.2000000476837158.
double as_written(float value) {
  std::ostringstream text;
  text << value;
  return std::stod(text.str());
}

/// The prompts in the form of --prompt, such as "owl:0.7".
std::vector<std::string> weighted_prompts(const Parameters& parameters) {
  std::vector<std::string> texts;
  for (const WeightedPrompt& prompt : parameters.prompts) {
    std::ostringstream text;
    text << prompt.text << ":" << prompt.weight;
    texts.push_back(text.str());
  }
  return texts;
}

std::vector<std::string> weighted_seeds(const Parameters& parameters) {
  std::vector<std::string> texts;
  for (const WeightedSeed& seed : parameters.seeds) {
    std::ostringstream text;
    text << seed.seed << ":" << seed.weight;
    texts.push_back(text.str());
  }
  return texts;
}

std::string join_texts(const std::vector<std::string>& texts) {
  std::string all;
  for (const std::string& text : texts) {
    all += (all.empty() ? "" : " | ") + text;
  }
  return all;
}

std::string prompt_text(const Parameters& parameters) {
  return parameters.prompts.empty() ? parameters.prompt : join_texts(weighted_prompts(parameters));
}

std::string seed_text(const Parameters& parameters) {
  return parameters.seeds.empty() ? std::to_string(parameters.seed) : join_texts(weighted_seeds(parameters));
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
  for (const std::string& lora : options.loras) {
    text << ", Lora: " << file_name(lora);
  }
  text << ", Version: streamdiffusion " << version();
  return text.str();
}

std::string as_json(const CommonOptions& options, const Parameters& parameters, const ModelInfo& model,
                    Size size) {
  nlohmann::ordered_json json;
  json["version"] = version();
  if (parameters.prompts.empty()) {
    json["prompt"] = parameters.prompt;
  } else {
    json["prompt"] = weighted_prompts(parameters);
    json["prompt-blend"] = to_string(parameters.prompt_blend);
  }
  json["negative-prompt"] = parameters.negative_prompt;
  json["model"] = model.name;
  json["vae"] = file_name(options.vae);
  json["lora"] = nlohmann::json::array();
  for (const std::string& lora : options.loras) {
    json["lora"].push_back(file_name(lora));
  }
  json["embedding"] = nlohmann::json::array();
  for (const std::string& embedding : options.embeddings) {
    json["embedding"].push_back(file_name(embedding));
  }
  json["prompt-weights"] = options.prompt_weights;
  json["clip-skip"] = options.clip_skip;
  json["prediction-type"] = options.prediction_type;
  json["width"] = size.width;
  json["height"] = size.height;
  if (parameters.seeds.empty()) {
    json["seed"] = parameters.seed;
  } else {
    json["seed"] = weighted_seeds(parameters);
  }
  json["t-index-list"] = parameters.t_index_list;
  json["num-inference-steps"] = parameters.num_inference_steps;
  json["cfg-type"] = to_string(parameters.cfg_type);
  json["guidance-scale"] = as_written(parameters.guidance_scale);
  json["delta"] = as_written(parameters.delta);
  if (parameters.guidance_embedding) {
    json["guidance-embedding"] = as_written(*parameters.guidance_embedding);
  }
  json["no-added-noise"] = !parameters.do_add_noise;
  json["cross-frame-attention"] = parameters.cross_frame_attention;
  return json.dump();
}

}  // namespace

std::map<std::string, std::string> describe(const CommonOptions& options, const Parameters& parameters,
                                            const ModelInfo& model, Size size) {
  return {{"parameters", readable_text(options, parameters, model, size)},
          {"streamdiffusion", as_json(options, parameters, model, size)}};
}

}  // namespace streamdiffusion::cli
