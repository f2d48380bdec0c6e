#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "streamdiffusion/model.h"

namespace streamdiffusion {

/// A word that stands for embeddings of its own (textual inversion).
struct TextualInversion {
  std::string token;
  std::vector<float> vectors;  ///< one or more, each of the text encoder's width
};

/// Reads an embedding file for a text encoder of that width: `emb_params`, `clip_l` or the token as the name
/// of its tensor. Throws Error where it is none, or for another width.
TextualInversion read_textual_inversion(const EmbeddingOptions& options, std::int64_t width);

}  // namespace streamdiffusion
