// The part of a stream that blends from one prompt, and one noise, to the next.

#include <cstddef>
#include <utility>

#include "stream/blender.h"
#include "stream/stream_impl.h"

namespace streamdiffusion {

std::vector<WeightedSeed> seeds_of(const Parameters& parameters) {
  return parameters.seeds.empty() ? std::vector<WeightedSeed>{{.seed = parameters.seed}} : parameters.seeds;
}

/// Before new parameters are used: from what is used now to what they ask for, where that is to take time.
void Stream::Impl::start_transitions(const Parameters& changed, const Denoising& next) {
  const bool stepped = last_time.has_value();
  if (!stepped || changed.prompt_transition <= 0) {
    prompt_transition.stop();
  } else if (*next.prompt_embedding != *target->prompt_embedding) {
    prompt_transition.start(*denoising->prompt_embedding, static_cast<double>(changed.prompt_transition));
  }
  if (!stepped || changed.seed_transition <= 0 || next.steps.size() != target->steps.size()) {
    noise_transition.stop();
  } else if (seeds_of(changed) != seeds_of(parameters)) {
    noise_transition.start(noise_transition.active() ? blended_noise : noise->fixed_values(),
                           static_cast<double>(changed.seed_transition));
  }
}

/// Goes on to the time of the frames that are stepped now. What moves is not skipped by the filter.
void Stream::Impl::advance_transitions(std::chrono::microseconds time) {
  const double seconds = last_time ? std::chrono::duration<double>(time - *last_time).count() : 0;
  last_time = time;
  if (!prompt_transition.active() && !noise_transition.active()) {
    return;
  }
  prompt_transition.advance(seconds);
  noise_transition.advance(seconds);
  use_target();
  filter.force(delay() + 1);
}

void Stream::Impl::end_transitions() {
  last_time.reset();
  if (prompt_transition.active() || noise_transition.active()) {
    prompt_transition.stop();
    noise_transition.stop();
    use_target();
  }
}

/// From the next step on: what the parameters ask for, as far as the transitions have come.
void Stream::Impl::use_target() {
  denoising = target;
  if (prompt_transition.active()) {
    PromptEmbedding prompt = prompt_transition.from();
    const auto row = static_cast<std::size_t>(target->weights->text_encoder().config().hidden_size);
    blend(parameters.prompt_blend, *target->prompt_embedding, prompt_transition.share(), row, prompt);
    denoising = with_prompt(model->impl(), *target, std::move(prompt));
  }
  const Tensor used_noise = noise_transition.active() ? blend_noise() : noise->fixed();
  if (options.use_denoising_batch) {
    if (batch) {
      batch->set(denoising, used_noise);
    } else {
      batch = std::make_unique<DenoisingBatch>(device(), denoising, used_noise, input.view().shape);
    }
  } else if (sequential) {
    sequential->set(denoising, used_noise);
  } else {
    sequential = std::make_unique<SequentialDenoiser>(device(), denoising, used_noise, input.view().shape);
  }
  if (picture_denoiser) {
    picture_denoiser->set(target, noise->fixed());
  }
}

/// On the way from the noise before to the fixed noise.
Tensor Stream::Impl::blend_noise() {
  const Tensor& fixed = noise->fixed();
  blended_noise = noise_transition.from();
  blend(Blend::slerp, noise->fixed_values(), noise_transition.share(),
        blended_noise.size() / static_cast<std::size_t>(fixed.shape.n), blended_noise);
  size_rows(blended_noise_tensor, fixed.shape.n);
  std::vector<float> scratch;
  Context uploading = context();
  upload_nchw(uploading, blended_noise, scratch, blended_noise_tensor.view());
  return blended_noise_tensor.view();
}

}  // namespace streamdiffusion
