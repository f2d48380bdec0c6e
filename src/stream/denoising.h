#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "device/device_tensor.h"
#include "model/model_impl.h"
#include "stream/schedule.h"
#include "streamdiffusion/parameters.h"

namespace streamdiffusion {

/// What rows are denoised with. Immutable: a change of parameters makes another.
struct Denoising {
  std::shared_ptr<WeightSet> weights;
  std::shared_ptr<const PromptEmbedding> prompt_embedding;
  std::shared_ptr<const TextContext> prompt;           ///< of that embedding
  std::shared_ptr<const TextContext> negative_prompt;  ///< null where guidance has no negative rows
  std::vector<DenoisingStep> steps;
  std::shared_ptr<const DeviceTensor> time;  ///< the UNet's time projections, one row a step
  bool v_prediction = false;
  CfgType cfg_type = CfgType::none;  ///< none where the scale turns guidance off
  float guidance_scale = 1;
  float delta = 1;
  bool do_add_noise = true;
  std::optional<float> guidance_embedding;
  bool cross_frame_attention = false;
};

/// True for the paper's residual guidance, which combines predictions of noise: the negative one is derived
/// from the noise of each frame.
inline bool guides_by_residual_noise(CfgType type) {
  return type == CfgType::self || type == CfgType::initialize;
}

/// What `parameters` ask for, using again what `previous` (or null) has already. Throws Error for parameters
/// that do not fit the model.
std::shared_ptr<const Denoising> make_denoising(Model::Impl& model, const Parameters& parameters,
                                                const Denoising* previous);

/// The same with another prompt, given by its embedding.
std::shared_ptr<const Denoising> with_prompt(Model::Impl& model, const Denoising& denoising,
                                             PromptEmbedding prompt);

}  // namespace streamdiffusion
