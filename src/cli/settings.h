#pragma once

#include <memory>
#include <optional>
#include <string>

#include "cli/common_options.h"
#include "cli/console.h"
#include "settings/settings.h"
#include "streamdiffusion/model.h"

namespace streamdiffusion::cli {

struct Size {
  int width = 0;
  int height = 0;
};

/// Parses "FILE:SCALE" or "FILE". The file's path may contain colons. Throws Error if the scale is out
/// of range.
LoraOptions parse_lora(const std::string& text);

/// Parses "FILE.safetensors:WORD" or "FILE.safetensors".
EmbeddingOptions parse_embedding(const std::string& text);

/// Parses a list of integers such as "0,16,32". Throws Error for anything else.
std::vector<int> parse_t_index_list(const std::string& text);

/// Parses a size such as "640x480". Throws Error for anything else.
Size parse_size(const std::string& text);

/// Chooses the output size in pixels. A side that is not given follows from the other one and the input's
/// aspect ratio. If neither is given, the short side is the model's native size. Without an input, missing
/// sides have the native size. Throws Error if a given side is not a multiple that the model supports.
Size choose_size(const CommonOptions& options, const ModelInfo& model, std::optional<Size> input);

/// The options to load the named model, or the default one. Downloads what is not on disk. The model's
/// warnings and notes go to the console.
ModelOptions find_model(const CommonOptions& options, const Console& console);

/// Finds the model by find_model and loads it.
std::shared_ptr<Model> load_model(const CommonOptions& options, const Console& console);

/// Replaces seeds of -1 by random ones and prints them.
void draw_seeds(CommonOptions& options, const Console& console);

/// Converts the options to the stream's settings and warns of options without effect. Call draw_seeds first.
Settings make_settings(const CommonOptions& options, const Console& console);

/// Warns of --prompt-transition and --seed-transition, for commands whose settings never change.
void warn_of_transitions_without_effect(const CommonOptions& options, const Console& console);

}  // namespace streamdiffusion::cli
