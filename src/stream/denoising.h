#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "device/device_tensor.h"
#include "model/model_impl.h"
#include "stream/schedule.h"
#include "streamdiffusion/parameters.h"

namespace streamdiffusion {

/// Everything but the latents and the noise that a UNet call of a stream depends on. It is made of the
/// stream's Parameters and immutable; changed parameters make a new one.
struct DenoisingPlan {
  std::shared_ptr<WeightSet> weights;  ///< The networks at the stream's LoRA scales.
  std::shared_ptr<const PromptEmbedding> prompt_embedding;
  std::shared_ptr<const TextContext> prompt;           ///< Keys and values computed from prompt_embedding.
  std::shared_ptr<const TextContext> negative_prompt;  ///< Null if the guidance has no negative rows.
  std::vector<DenoisingStep> steps;                    ///< One for each index of t_index_list.
  std::shared_ptr<const DeviceTensor> time;  ///< The UNet's time projections, one row for each step.
  bool v_prediction = false;                 ///< True if the UNet predicts v instead of noise.
  CfgType cfg_type = CfgType::none;          ///< Guidance in effect: none if the scale turns it off.
  float guidance_scale = 1;
  float delta = 1;           ///< Factor of the residual noise in residual guidance, as in the paper.
  bool do_add_noise = true;  ///< Adds noise between the denoising steps.
  std::optional<float> guidance_embedding;  ///< As Parameters::guidance_embedding.
  bool cross_frame_attention = false;       ///< Self-attention of each row sees all rows.
};

/// True for the paper's residual guidance, which derives the negative prediction from each frame's residual
/// noise. It therefore needs predictions of noise, not of v.
inline bool guides_by_residual_noise(CfgType type) {
  return type == CfgType::self || type == CfgType::initialize;
}

/// Creates the DenoisingPlan for `parameters`. It shares unchanged parts with `previous`, which may be null.
/// Throws Error if the parameters do not fit the model.
std::shared_ptr<const DenoisingPlan> make_denoising_plan(Model::Impl& model, const Parameters& parameters,
                                                         const DenoisingPlan* previous);

/// Returns a copy of `denoising` with the given prompt embedding, whose keys and values are computed.
std::shared_ptr<const DenoisingPlan> with_prompt(Model::Impl& model, const DenoisingPlan& denoising,
                                                 PromptEmbedding prompt);

}  // namespace streamdiffusion
