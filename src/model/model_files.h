#pragma once

#include <filesystem>
#include <vector>

#include "model/autoencoder_files.h"
#include "model/config/config.h"
#include "model/files/tensor_files.h"
#include "model/text/tokenizer.h"
#include "streamdiffusion/model.h"

namespace streamdiffusion {

/// The parts of a model, checked to be complete and to fit one another. Tensors have the names that diffusers
/// and transformers use, whatever the files call them. Their data stays in the mapped files.
struct ModelFiles {
  /// Opens the model at `options.path`, with the autoencoder at `options.vae` if that is set. Throws Error if
  /// a part is missing, malformed or does not fit the others.
  static ModelFiles open(const ModelOptions& options);

  std::filesystem::path path;
  UNet2DConditionConfig unet_config;
  ClipTextConfig text_encoder_config;
  SchedulerConfig scheduler_config;
  TensorFiles unet;
  TensorFiles text_encoder;
  Tokenizer tokenizer;
  AutoencoderFiles autoencoder;
  /// Rows of the embedding table for token ids from vocab_size on (textual inversions): [added][hidden_size].
  std::vector<float> added_embeddings = {};
};

}  // namespace streamdiffusion
