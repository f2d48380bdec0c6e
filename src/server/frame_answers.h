#pragma once

#include <cstdint>
#include <exception>
#include <string>
#include <vector>

#include "core/monotonic_clock.h"
#include "server/metrics.h"
#include "server/session.h"

namespace streamdiffusion::server {

/// Builds the `error` message of a frame that cannot be decoded. It names the field of a FieldError.
std::string make_unreadable_error(const std::exception& error);

/// Answers each frame that a session's client sent, and counts the answers. The caller ensures that only one
/// thread at a time uses a session.
class FrameAnswers {
 public:
  /// `most_superseded`: superseded frames of a session that may wait for the next answer.
  FrameAnswers(Metrics& metrics, int most_superseded, const MonotonicClock& clock)
      : metrics_(metrics), most_superseded_(most_superseded), clock_(clock) {}

  void answer(Session& session, FrameState state, const Arrival& arrival,
              std::vector<std::uint8_t> image = {});
  /// Answers a frame whose image cannot be decoded, and sends `error`, made by make_unreadable_error.
  void answer_unreadable(Session& session, const Arrival& arrival, const std::string& error);
  /// Notes a frame that a newer one replaced before its turn. It is answered as dropped just before the next
  /// answer. So a client that sends one frame for each answer sends no more than the engine can use.
  void note_superseded(Session& session, const Arrival& arrival);

 private:
  void answer_one(Session& session, FrameState state, const Arrival& arrival,
                  std::vector<std::uint8_t> image);

  Metrics& metrics_;
  int most_superseded_;
  const MonotonicClock& clock_;
};

}  // namespace streamdiffusion::server
