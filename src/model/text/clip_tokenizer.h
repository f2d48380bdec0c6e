#pragma once

#include <cstdint>
#include <string>

#include "model/text/tokenizer.h"

namespace streamdiffusion {

/// The tokenizer of Stable Diffusion 1.x (`pad` "<|endoftext|>") and 2.x ("!"), of which the program has the
/// vocabulary. A text encoder with fewer than `tokens` has the first merges, as CLIP itself has the first of
/// a longer list. Throws Error, beginning with `where`, where these are too few for any.
Tokenizer make_clip_tokenizer(std::int64_t tokens, const std::string& pad, const std::string& where);

}  // namespace streamdiffusion
