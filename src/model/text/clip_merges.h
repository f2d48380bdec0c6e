#pragma once

#include <string_view>

namespace streamdiffusion {

/// The merges of CLIP's vocabulary (models/clip-vocabulary/merges.txt), compiled into the library because
/// single-file checkpoints have no tokenizer.
std::string_view clip_merges();

}  // namespace streamdiffusion
