#include <algorithm>
#include <iterator>
#include <span>
#include <vector>

#include "stream/denoising_rows.h"
#include "stream/stream_checks.h"
#include "stream/stream_impl.h"
#include "streamdiffusion/error.h"
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
void denoise(std::vector<Participant> participants) {
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
    std::ranges::for_each(sharers, [](const Participant& one) { one.stream->announce_call(0, 1); });
    std::ranges::for_each(sharers, [](const Participant& one) { one.stream->timers.unet.start(); });
    stream.run_counted([&] {
      Context context = stream.context();
      DenoisingRows::denoise(context, together);
    });
    for (const Participant& one : sharers) {
      one.stream->timers.unet.stop(sharers.size());
    }
    participants.erase(participants.begin(), others);
  }
}

void check_streams(std::span<const StreamStep> steps) {
  std::vector<const Stream*> streams;
  std::ranges::transform(steps, std::back_inserter(streams), &StreamStep::stream);
  if (std::ranges::find(streams, nullptr) != streams.end()) {
    throw ArgumentError("a step of several has no stream (it is null)");
  }
  std::ranges::sort(streams);
  if (std::ranges::adjacent_find(streams) != streams.end()) {
    throw ArgumentError("a stream is listed twice in one call that steps several streams");
  }
}

}  // namespace

void step_streams(std::span<StreamStep> steps) {
  check_streams(steps);
  for (const StreamStep& step : steps) {
    const Stream::Impl& stream = StreamAccess::impl(*step.stream);
    check_input(step.in, stream.labels.size(), stream.options);
    check_output(step.out, stream.labels.size(), stream.options);
  }
  std::vector<Participant> participants;
  for (StreamStep& step : steps) {
    Stream::Impl& stream = StreamAccess::impl(*step.stream);
    if (stream.begin_input(step.in)) {
      step.result = {};
      participants.push_back({&step, &stream, stream.begin_step()});
    } else {
      step.result = {.skipped = true, .finished = step.out.size()};
    }
  }
  denoise(participants);
  for (const StreamStep& step :
       steps) {  // after all inputs have been read, as outputs may share their memory
    if (step.result.skipped) {
      StreamAccess::impl(*step.stream).repeat_result(step.out);
    }
  }
  for (const Participant& one : participants) {
    one.step->result.finished = one.stream->finish_step(one.step->out);
  }
  for (const StreamStep& step : steps) {
    StreamAccess::impl(*step.stream).commit();
  }
}

}  // namespace streamdiffusion
