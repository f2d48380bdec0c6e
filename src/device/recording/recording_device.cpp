#include "device/recording/recording_device.h"

#include <algorithm>
#include <utility>

namespace streamdiffusion::recording {

namespace {

const WeightSlot& slot_of(const PackedWeights& weights) { return static_cast<const WeightSlot&>(weights); }

}  // namespace

void RecordingDevice::sequence(const std::function<void()>& operations) {
  if (recording_) {  // nested in another sequence
    operations();
    return;
  }
  recording_ = true;
  try {
    operations();
  } catch (...) {
    recording_ = false;
    pending_.clear();
    throw;
  }
  if (std::exchange(recording_, false)) {
    hand_over(&RecordingDevice::run_sequence);
  }
}

void RecordingDevice::attention(const Tensor& q, const Tensor& k, const Tensor& v,
                                const AttentionOptions& options, const Tensor& out) {
  const std::size_t first = pending_.key_rows.size();
  pending_.key_rows.insert(pending_.key_rows.end(), options.key_rows.begin(), options.key_rows.end());
  submit(AttentionCommand{q, k, v, options.heads, options.causal, first, options.key_rows.size(), out});
}

void RecordingDevice::combine(const Tensor& x, std::span<const float> a, const Tensor& y,
                              std::span<const float> b, const Tensor& out) {
  const std::size_t first = pending_.factors.size();
  const auto rows = static_cast<std::ptrdiff_t>(x.shape.n);
  pending_.factors.insert(pending_.factors.end(), a.begin(), a.begin() + rows);
  pending_.factors.insert(pending_.factors.end(), b.begin(), b.begin() + rows);
  submit(CombineCommand{x, y, first, out});
}

bool RecordingDevice::update_weights(std::span<const WeightUpdate> updates) {
  const bool fits = std::ranges::all_of(updates, [&](const WeightUpdate& update) {
    return have_same_layout(slot_of(*update.slot), slot_of(*update.contents));
  });
  if (fits) {
    end_recording();
    for (const WeightUpdate& update : updates) {
      copy_contents(slot_of(*update.contents), slot_of(*update.slot));
    }
  }
  return fits;
}

void RecordingDevice::end_recording() {
  if (std::exchange(recording_, false)) {
    hand_over(&RecordingDevice::run);
  }
}

/// Runs the command at once, or later with the sequence that is being recorded.
void RecordingDevice::submit(const Command& command) {
  pending_.list.push_back(command);
  if (!recording_) {
    hand_over(&RecordingDevice::run);
  }
}

void RecordingDevice::hand_over(void (RecordingDevice::*computation)(const Commands&)) {
  try {
    (this->*computation)(pending_);
  } catch (...) {
    pending_.clear();
    throw;
  }
  pending_.clear();
}

}  // namespace streamdiffusion::recording
