#include "server/frame_answers.h"

#include <chrono>
#include <cstddef>
#include <utility>

#include "control/settings_json.h"

namespace streamdiffusion::server {

std::string make_unreadable_error(const std::exception& error) {
  const auto* of_field = dynamic_cast<const FieldError*>(&error);
  return make_error("image", error.what(), nullptr, of_field != nullptr ? of_field->field() : "");
}

void FrameAnswers::note_superseded(Session& session, const Arrival& arrival) {
  session.superseded.push_back(arrival);
  if (session.superseded.size() > static_cast<std::size_t>(most_superseded_)) {
    answer_one(session, FrameState::dropped, session.superseded.front(), {});
    session.superseded.pop_front();
  }
}

void FrameAnswers::answer_unreadable(Session& session, const Arrival& arrival, const std::string& error) {
  answer(session, FrameState::unreadable, arrival);
  if (session.output) {
    session.output->send(error);
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
