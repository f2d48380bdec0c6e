#include <algorithm>
#include <span>
#include <vector>

#include "stream/denoising_rows.h"
#include "stream/stream_checks.h"
#include "stream/stream_impl.h"
#include "streamdiffusion/stream.h"

namespace streamdiffusion {

namespace {

/// A stream that was not skipped, with its rows for the UNet call.
struct Participant {
  StreamStep* step;
  Stream::Impl* stream;
  DenoisingRows* rows;  // null if the stream has no denoising batch
};

/// Runs one UNet call for each group of streams that can share one.
void predict(std::vector<Participant> participants) {
  std::erase_if(participants, [](const Participant& one) { return one.rows == nullptr; });
  while (!participants.empty()) {
    Stream::Impl& stream = *participants.front().stream;
    const DenoisingRows& rows = *participants.front().rows;
    const auto others = std::stable_partition(
        participants.begin(), participants.end(),
        [&rows](const Participant& other) { return rows.can_share_call_with(*other.rows); });
    std::vector<DenoisingRows*> together;
    std::transform(participants.begin(), others, std::back_inserter(together),
                   [](const Participant& one) { return one.rows; });
    const std::span<const Participant> sharers(participants.begin(), others);
    std::ranges::for_each(sharers, [](const Participant& one) { one.stream->timers.unet.start(); });
    stream.run_counted([&] {
      Context context = stream.context();
      DenoisingRows::predict(context, together);
    });
    for (const Participant& one : sharers) {
      one.stream->timers.unet.stop(sharers.size());
    }
    participants.erase(participants.begin(), others);
  }
}

}  // namespace

void step_streams(std::span<StreamStep> steps) {
  for (const StreamStep& step : steps) {
    const Stream::Impl& stream = step.stream->impl();
    check_frames(*step.in, stream.labels.size(), stream.options);
  }
  std::vector<Participant> participants;
  for (StreamStep& step : steps) {
    Stream::Impl& stream = step.stream->impl();
    if (stream.begin_input(*step.in, *step.out)) {
      step.result = StepResult::processed;
      participants.push_back({&step, &stream, stream.begin_step()});
    } else {
      step.result = StepResult::skipped;
    }
  }
  predict(participants);
  for (const Participant& one : participants) {
    one.stream->finish_step(*one.step->out);
  }
  for (const StreamStep& step : steps) {
    step.stream->impl().commit();
  }
}

}  // namespace streamdiffusion
