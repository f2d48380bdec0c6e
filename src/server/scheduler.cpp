#include "server/scheduler.h"

#include <algorithm>

namespace streamdiffusion::server {

namespace {

using Work = Turn::Work;
using SessionPtr = std::shared_ptr<Session>;

constexpr std::size_t kMostTogether = 4;         // Most sessions of a shared step.
constexpr int kLargestSharedPixels = 384 * 384;  // Larger frames keep the device busy one at a time.
constexpr double kFramePatience = 1.5;           // A missing frame is waited for this many frame intervals.
constexpr double kLongestInterval = 1.0;         // Seconds. Frames with longer intervals are not waited for.
constexpr double kMostCredit = 0.25;  // Seconds of the engine's time that a session may be behind others.

Clock::time_point add_seconds(Clock::time_point start, double seconds) {
  return start + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
}

/// The time from which a missing frame is no longer waited for.
Clock::time_point patience_ends(const Session& session) {
  const bool regular = session.input_interval > 0 && session.input_interval <= kLongestInterval;
  return add_seconds(session.last_input, regular ? kFramePatience * session.input_interval : 0);
}

/// True if a step begun now would end before the next frame is expected, so that it delays nothing.
bool has_time_for_a_step(const Session& session, Clock::time_point now) {
  const Clock::time_point expected = add_seconds(session.last_input, session.input_interval);
  return session.input_interval > 0 && add_seconds(now, session.step_seconds) <= expected;
}

bool wants_step(const Session& session, Clock::time_point now) {
  const auto ready = static_cast<int>(session.decoded_frames.size());
  return ready >= session.frame_buffer || (ready > 0 && now >= patience_ends(session));
}

bool awaits_input(const Session& session) {
  return session.decoding || session.encoded || !session.decoded_frames.empty();
}

bool wants_drain(const Session& session, Clock::time_point now) {
  return session.in_flight && !awaits_input(session) &&
         (now >= patience_ends(session) || has_time_for_a_step(session, now));
}

Work work_of(const Session& session, Clock::time_point now) {
  if (!session.requests.empty() && !session.waits_for_model) {
    return Work::requests;
  }
  const bool step = wants_step(session, now);
  if (!session.text_frames.empty() && (!step || session.text_frames.front().time < session.last_input)) {
    return Work::text_to_image;
  }
  if (step) {
    return Work::step;
  }
  return wants_drain(session, now) ? Work::drain : Work::none;
}

bool can_share(const Session& a, const Session& b) {
  return a.stream->model() == b.stream->model() && a.width == b.width && a.height == b.height;
}

void add_others(Turn& turn, const std::vector<SessionPtr>& sessions, Clock::time_point now) {
  const SessionPtr first = turn.sessions.front();
  if (first->width * first->height > kLargestSharedPixels) {
    return;
  }
  std::vector<SessionPtr> others;
  for (const SessionPtr& session : sessions) {
    if (session != first && work_of(*session, now) == Work::step && can_share(*session, *first)) {
      others.push_back(session);
    }
  }
  std::ranges::sort(others, {}, [](const SessionPtr& session) { return session->virtual_time; });
  others.resize(std::min(others.size(), kMostTogether - 1));
  turn.sessions.insert(turn.sessions.end(), others.begin(), others.end());
}

}  // namespace

Turn choose_turn(const std::vector<SessionPtr>& sessions, Clock::time_point now) {
  Turn turn;
  for (const SessionPtr& session : sessions) {
    const Work work = work_of(*session, now);
    if (work == Work::none) {
      if (session->in_flight || !session->decoded_frames.empty()) {
        const Clock::time_point due = patience_ends(*session);
        turn.wake = std::min(turn.wake.value_or(due), due);
      }
      continue;
    }
    // An early drain comes after all other work.
    const bool early = work == Work::drain && now < patience_ends(*session);
    const bool had_early = turn.work == Work::drain && now < patience_ends(*turn.sessions.front());
    const bool better = turn.work == Work::none || (had_early && !early) ||
                        (early == had_early && session->virtual_time < turn.sessions.front()->virtual_time);
    if (better) {
      turn.work = work;
      turn.sessions = {session};
    }
  }
  if (turn.work == Work::step) {
    add_others(turn, sessions, now);
  }
  return turn;
}

void charge(const std::vector<SessionPtr>& took_part, double seconds) {
  for (const SessionPtr& session : took_part) {
    session->virtual_time += seconds / static_cast<double>(took_part.size());
  }
}

void catch_up(Session& session, const std::vector<SessionPtr>& sessions) {
  std::optional<double> least;
  for (const SessionPtr& other : sessions) {
    if (other.get() != &session && (!other->decoded_frames.empty() || !other->text_frames.empty())) {
      least = std::min(least.value_or(other->virtual_time), other->virtual_time);
    }
  }
  if (least) {
    session.virtual_time = std::max(session.virtual_time, *least - kMostCredit);
  }
}

}  // namespace streamdiffusion::server
