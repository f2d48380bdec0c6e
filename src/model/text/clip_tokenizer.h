#pragma once

#include <cstdint>
#include <string>

#include "model/text/tokenizer.h"

namespace streamdiffusion {

/// Makes CLIP's tokenizer from the built-in merges. `tokens` is the text encoder's vocab_size; a small one
/// uses only the first merges. `pad` is "<|endoftext|>" for Stable Diffusion 1.x and "!" for 2.x. Throws
/// Error that begins with `where` if `tokens` is below 514, the bytes and special tokens alone.
Tokenizer make_clip_tokenizer(std::int64_t tokens, const std::string& pad, const std::string& where);

}  // namespace streamdiffusion
