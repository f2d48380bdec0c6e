// The functions of Stream::Impl that blend from one prompt, and one noise, to the next.

#include <cstddef>
#include <utility>

#include "stream/blender.h"
#include "stream/nchw.h"
#include "stream/stream_impl.h"

namespace streamdiffusion {

std::vector<WeightedSeed> seeds_of(const Parameters& parameters) {
  return parameters.seeds.empty() ? std::vector<WeightedSeed>{{.seed = parameters.seed}} : parameters.seeds;
}

/// Returns the stream's transitions after a change to `wanted`. A transition starts from the prompt or noise
/// in use now, if the new parameters give it a duration.
Transitions Stream::Impl::transitions_to(const Target& wanted) const {
  Transitions then = transitions;
  const bool stepped = then.last_time.has_value();
  const Parameters& changed = wanted.parameters;
  if (!stepped || changed.prompt_transition <= 0) {
    then.prompt.stop();
  } else if (*wanted.denoising->prompt_embedding != *target.denoising->prompt_embedding) {
    then.prompt.start(*denoising->prompt_embedding, static_cast<double>(changed.prompt_transition));
  }
  if (!stepped || changed.seed_transition <= 0 ||
      wanted.denoising->steps.size() != target.denoising->steps.size()) {
    then.noise.stop();
  } else if (seeds_of(changed) != seeds_of(target.parameters)) {
    then.noise.start(then.noise.active() ? blended_noise : target.noise->fixed_values(),
                     static_cast<double>(changed.seed_transition));
  }
  return then;
}

/// Sets the rows to `wanted`, blended as far as the transitions `at` have progressed. The caller sets
/// rows_are_set when the change is final. A batch with another number of steps replaces the old one only
/// after everything that can fail.
void Stream::Impl::set_rows(const Target& wanted, const Transitions& at) {
  rows_are_set = false;
  std::shared_ptr<const DenoisingPlan> used = wanted.denoising;
  if (at.prompt.active()) {
    PromptEmbedding prompt = at.prompt.start_values();
    const auto row = static_cast<std::size_t>(used->weights->text_encoder().config().hidden_size);
    blend(wanted.parameters.prompt_blend, *used->prompt_embedding, at.prompt.progress(), row, prompt);
    used = with_prompt(ModelAccess::impl(*model), *used, std::move(prompt));
  }
  const Tensor noise = at.noise.active() ? blend_noise(wanted, at.noise) : wanted.noise->fixed();
  const Shape& latents = input.view().shape;
  if (image_denoiser) {
    image_denoiser->set_denoising(wanted.denoising, wanted.noise->fixed());
  }
  if (!options.use_denoising_batch) {
    if (sequential) {
      sequential->set_denoising(used, noise);
    } else {
      sequential = std::make_unique<SequentialDenoiser>(device(), used, noise, latents);
    }
  } else if (batch && batch->steps() == std::ssize(used->steps)) {
    batch->set_denoising(used, noise);
  } else {
    auto next_batch = std::make_unique<DenoisingBatch>(device(), used, noise, latents);
    if (batch) {
      next_batch->take_frames_of(*batch);
    }
    batch = std::move(next_batch);
  }
  denoising = std::move(used);
}

/// Restores the rows if an earlier call failed after setting them.
void Stream::Impl::restore_rows() {
  if (!rows_are_set) {
    set_rows(target, transitions);
    rows_are_set = true;
  }
}

/// Returns the noise at the transition's current point between the old and the new fixed noise.
Tensor Stream::Impl::blend_noise(const Target& wanted, const Transition& transition) {
  const Tensor& fixed = wanted.noise->fixed();
  blended_noise = transition.start_values();
  blend(Blend::slerp, wanted.noise->fixed_values(), transition.progress(),
        blended_noise.size() / static_cast<std::size_t>(fixed.shape.n), blended_noise);
  size_rows(blended_noise_tensor, fixed.shape.n);
  std::vector<float> scratch;
  upload_nchw(device(), blended_noise, scratch, blended_noise_tensor.view());
  return blended_noise_tensor.view();
}

}  // namespace streamdiffusion
