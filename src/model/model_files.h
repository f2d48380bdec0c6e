#pragma once

#include <filesystem>
#include <vector>

#include "model/autoencoder_files.h"
#include "model/config/config.h"
#include "model/files/tensor_files.h"
#include "model/text/tokenizer.h"
#include "streamdiffusion/model.h"

namespace streamdiffusion {

/// The parts of a model, read and checked: they are there and fit one another. Tensors have the names of
/// diffusers and transformers, whatever they are called in the files, and stay in the mapped files.
struct ModelFiles {
  /// `options.path` with `options.vae` in place of its own autoencoder. Throws Error where something is
  /// missing, malformed or does not fit.
  static ModelFiles open(const ModelOptions& options);

  std::filesystem::path path;
  UNet2DConditionConfig unet_config;
  ClipTextConfig text_encoder_config;
  SchedulerConfig scheduler_config;
  TensorFiles unet;
  TensorFiles text_encoder;
  Tokenizer tokenizer;
  AutoencoderFiles autoencoder;
  std::vector<float> added_embeddings = {};  ///< of token ids behind the text encoder's own
};

}  // namespace streamdiffusion
