#include "device/cuda/recording_device.h"

namespace streamdiffusion::cuda {

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

void RecordingDevice::move_to_address_of(const PackedWeights& weights, const PackedWeights& old) {
  const auto* const from = dynamic_cast<const PackedMatrix*>(&weights);
  const auto* const to = dynamic_cast<const PackedMatrix*>(&old);
  if (from == nullptr || to == nullptr || from->layout != to->layout ||
      from->bias.bytes() != to->bias.bytes()) {
    return;
  }
  end_recording();
  copy_buffer(from->weights, to->weights);
  copy_buffer(from->bias, to->bias);
  std::swap(from->weights, to->weights);
  std::swap(from->bias, to->bias);
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

}  // namespace streamdiffusion::cuda
