#include "stream/frame_filter.h"

#include <cstddef>
#include <utility>

namespace streamdiffusion {

FrameFilter::FrameFilter(Device& device, const Shape& images, std::uint64_t seed)
    : device_(device), images_(images), uniform_(seed) {}

bool FrameFilter::keep(const SimilarityFilterParameters& parameters, std::span<const Frame> frames,
                       bool can_skip, int delay) {
  if (!parameters.enabled) {
    compared_ = false;
    filter_.pass();
    return true;
  }
  upload(frames);
  if (!compared_) {
    filter_.pass();
    filter_.force(parameters.let_batch_finish ? delay : 0);
  } else if (!can_skip || filter_.must_pass()) {
    filter_.pass();
  } else if (!filter_.decide(parameters, device_.cosine_similarity(processed_.view(), current_.view()),
                             uniform_())) {
    return false;
  } else if (parameters.let_batch_finish) {
    filter_.force(delay);
  }
  std::swap(current_, processed_);
  compared_ = true;
  return true;
}

void FrameFilter::upload(std::span<const Frame> frames) {
  if (current_.view().empty()) {
    current_ = DeviceTensor(device_, images_);
    processed_ = DeviceTensor(device_, images_);
  }
  for (std::size_t i = 0; i < frames.size(); ++i) {
    device_.upload_pixels(frames[i].pixels.data(), 2.0F, -1.0F,
                          current_.view().rows(static_cast<std::int64_t>(i), 1));
  }
}

}  // namespace streamdiffusion
