#include "stream/frame_filter.h"

#include <cstddef>
#include <utility>

namespace streamdiffusion {

FrameFilter::FrameFilter(Device& device, const Shape& images, std::uint64_t seed)
    : device_(device), images_(images), uniform_(seed) {}

bool FrameFilter::should_process(const SimilarityFilterParameters& parameters,
                                 std::span<const InputFrame> frames, bool can_skip, int delay, int forced) {
  decision_ = {.filter = filter_, .compared = compared_};
  SimilarityFilter& filter = decision_.filter;
  filter.force(forced);
  if (!parameters.enabled || !frames.front().latents.empty()) {
    decision_.compared = false;
    filter.record_pass();
    return true;
  }
  upload(frames);
  if (!compared_) {
    filter.record_pass();
    filter.force(parameters.let_batch_finish ? delay : 0);
  } else if (!can_skip || filter.must_pass()) {
    filter.record_pass();
  } else {
    decision_.has_used_draw = true;
    if (!filter.decide(parameters, device_.cosine_similarity(processed_.view(), current_.view()), draw())) {
      return false;
    }
    filter.force(parameters.let_batch_finish ? delay : 0);
  }
  decision_.are_last_processed = true;
  decision_.compared = true;
  return true;
}

void FrameFilter::commit() noexcept {
  filter_ = decision_.filter;
  compared_ = decision_.compared;
  if (decision_.are_last_processed) {
    std::swap(current_, processed_);
  }
  if (decision_.has_used_draw) {
    drawn_.reset();
  }
}

/// Returns the same random number until a committed decision has used it.
double FrameFilter::draw() {
  if (!drawn_) {
    drawn_ = uniform_();
  }
  return *drawn_;
}

void FrameFilter::upload(std::span<const InputFrame> frames) {
  if (current_.view().empty()) {
    DeviceTensor processed(device_, images_);
    current_ = DeviceTensor(device_, images_);
    processed_ = std::move(processed);
  }
  for (std::size_t i = 0; i < frames.size(); ++i) {
    pixels_.upload(device_, frames[i].image, 2.0F, -1.0F,
                   current_.view().rows(static_cast<std::int64_t>(i), 1));
  }
}

}  // namespace streamdiffusion
