#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/monotonic_clock.h"
#include "server/metrics.h"
#include "server/session.h"

namespace streamdiffusion::server {

/// Tells a session's client what became of each frame that it sent, and counts it. The caller sees to it that
/// one thread at a time is at a session.
class FrameAnswers {
 public:
  /// `most_superseded`: frames that may wait for the next answer.
  FrameAnswers(Metrics& metrics, int most_superseded, const MonotonicClock& clock)
      : metrics_(metrics), most_superseded_(most_superseded), clock_(clock) {}

  void give(Session& session, FrameState state, const Arrival& arrival,
            std::vector<std::uint8_t> picture = {});
  /// For what is no picture.
  void give_unreadable(Session& session, const Arrival& arrival, const std::string& problem);
  /// A newer frame has come before this one's turn. It is answered with the next answer to another one, so
  /// that who sends a frame for each answer sends as many as can be used.
  void supersede(Session& session, const Arrival& arrival);

 private:
  void give_one(Session& session, FrameState state, const Arrival& arrival,
                std::vector<std::uint8_t> picture);

  Metrics& metrics_;
  int most_superseded_;
  const MonotonicClock& clock_;
};

}  // namespace streamdiffusion::server
