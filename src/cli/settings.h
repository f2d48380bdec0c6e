#pragma once

#include <memory>
#include <optional>
#include <string>

#include "cli/common_options.h"
#include "cli/console.h"
#include "control/settings.h"
#include "streamdiffusion/model.h"

namespace streamdiffusion::cli {

struct Size {
  int width = 0;
  int height = 0;
};

/// "FILE:SCALE" or "FILE"; the file's path may hold colons itself.
LoraOptions parse_lora(const std::string& text);

/// "FILE.safetensors:WORD" or "FILE.safetensors".
EmbeddingOptions parse_embedding(const std::string& text);

/// "0,16,32". Throws Error where it is no list of whole numbers.
std::vector<int> parse_t_index_list(const std::string& text);

/// "640x480". Throws Error for anything else.
Size parse_size(const std::string& text);

/// The size of what comes out: as given; one side given, the other by the input's aspect; none, the model's
/// native short side. Without an input the native size stands for sides not given. Throws Error where a given
/// side does not suit the model.
Size choose_size(const CommonOptions& options, const ModelInfo& model, std::optional<Size> input);

/// The model that the options name, or the default model, on this disk: fetched where it is not. Warnings go
/// to the console.
ModelOptions find_model(const CommonOptions& options, const Console& console);

/// Loads the model that the options name, or the default model. Warnings go to the console.
std::shared_ptr<Model> load_model(const CommonOptions& options, const Console& console);

/// Replaces seeds of -1 by ones that are drawn, and says which.
void draw_seeds(CommonOptions& options, const Console& console);

/// What the options ask of the stream; the seeds must be drawn. Says what does not go together.
Settings make_settings(const CommonOptions& options, const Console& console);

}  // namespace streamdiffusion::cli
