#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "server/session.h"

namespace streamdiffusion::server {

/// The engine's next piece of work and the sessions that it serves.
struct Turn {
  enum class Work { none, requests, step, text_to_image, drain };
  Work work = Work::none;
  std::vector<std::shared_ptr<Session>> sessions;  ///< Several sessions share one step.
  std::optional<Clock::time_point> wake;           ///< If there is no work: the time to look again.
};

/// Chooses the session that has work and has had the least of the engine's time. If its frames are small,
/// sessions with a frame ready for the same model and size join its step. A single small frame does not keep
/// all cores busy (figures in bench/results/2026-11-24-epyc-server.md).
Turn choose_turn(const std::vector<std::shared_ptr<Session>>& sessions, Clock::time_point now);

/// Charges the time of a turn, in equal parts, to the sessions that took part.
void charge(const std::vector<std::shared_ptr<Session>>& took_part, double seconds);

/// Cancels the time that a new or idle session would be owed, so that it does not block the others. A little
/// of it stays, because a fast client has no frame ready between an answer and its next frame.
void catch_up(Session& session, const std::vector<std::shared_ptr<Session>>& sessions);

}  // namespace streamdiffusion::server
