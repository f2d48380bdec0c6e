#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "server/session.h"

namespace streamdiffusion::server {

/// What the engine does next.
struct Turn {
  enum class Work { none, requests, step, pictures, drain };
  Work work = Work::none;
  std::vector<std::shared_ptr<Session>> sessions;  ///< more than one share a step
  std::optional<Clock::time_point> wake;           ///< with no work: when there may be some
};

/// Whose turn it is: of those with something to do, the session that has had the least of the engine's time.
/// Where the frames are small, others that have a frame ready over the same model, at the same size, take
/// part in its step: a single small frame does not keep the processor's cores busy (bench figures in
/// bench/results/2026-11-24-epyc-server.md).
Turn choose_turn(const std::vector<std::shared_ptr<Session>>& sessions, Clock::time_point now);

/// Charges the time of a turn to those that took part.
void charge(const std::vector<std::shared_ptr<Session>>& took_part, double seconds);

/// A session that was idle, or is new, is not owed the time that others had meanwhile, but for a little: one
/// whose frames are quick has none ready for moments, between its answer and the client's next frame.
void catch_up(Session& session, const std::vector<std::shared_ptr<Session>>& sessions);

}  // namespace streamdiffusion::server
