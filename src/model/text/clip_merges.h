#pragma once

#include <string_view>

namespace streamdiffusion {

/// The merges of CLIP's vocabulary (models/clip-vocabulary/merges.txt), a part of the program: checkpoints in
/// one file have no tokenizer.
std::string_view clip_merges();

}  // namespace streamdiffusion
