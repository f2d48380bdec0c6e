#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "streamdiffusion/model.h"

namespace streamdiffusion {

/// A word with embeddings of its own (textual inversion).
struct TextualInversion {
  std::string token;
  std::vector<float> vectors;  ///< One or more embeddings, [vectors][width].
};

/// Reads an embedding file for a text encoder with hidden_size `width`. Its tensor is called `emb_params`,
/// `clip_l` or like the token. Throws Error if the file is no embedding or has another width.
TextualInversion read_textual_inversion(const EmbeddingOptions& options, std::int64_t width);

}  // namespace streamdiffusion
