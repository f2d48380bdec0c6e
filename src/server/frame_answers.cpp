#include "server/frame_answers.h"

#include <chrono>
#include <cstddef>
#include <utility>

namespace streamdiffusion::server {

void FrameAnswers::note_superseded(Session& session, const Arrival& arrival) {
  session.superseded.push_back(arrival);
  if (session.superseded.size() > static_cast<std::size_t>(most_superseded_)) {
    answer_one(session, FrameState::dropped, session.superseded.front(), {});
    session.superseded.pop_front();
  }
}

void FrameAnswers::answer_unreadable(Session& session, const Arrival& arrival, const std::string& problem) {
  answer(session, FrameState::unreadable, arrival);
  if (session.output) {
    session.output->send(make_error("image", problem));
  }
}

void FrameAnswers::answer(Session& session, FrameState state, const Arrival& arrival,
                          std::vector<std::uint8_t> image) {
  for (const Arrival& older : std::exchange(session.superseded, {})) {
    answer_one(session, FrameState::dropped, older, {});
  }
  answer_one(session, state, arrival, std::move(image));
}

void FrameAnswers::answer_one(Session& session, FrameState state, const Arrival& arrival,
                              std::vector<std::uint8_t> image) {
  switch (state) {
    case FrameState::image:
      ++session.counts.frames;
      metrics_.images.Increment();
      metrics_.latency.Observe(std::chrono::duration<double>(clock_.now() - arrival.time).count());
      break;
    case FrameState::skipped:
      ++session.counts.skipped;
      metrics_.skipped.Increment();
      break;
    case FrameState::dropped:
      ++session.counts.dropped;
      metrics_.dropped.Increment();
      break;
    case FrameState::unreadable:
      metrics_.unreadable.Increment();
      break;
  }
  if (session.output) {
    session.output->send(FrameAnswer{.state = state,
                                     .tag = arrival.tag,
                                     .is_text_to_image = arrival.text_to_image,
                                     .arrival = arrival.time,
                                     .dropped = session.counts.dropped,
                                     .image = std::move(image)});
  }
}

}  // namespace streamdiffusion::server
