#pragma once

#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "server/session_output.h"
#include "server/session_stream.h"

namespace streamdiffusion::server {

using Clock = std::chrono::steady_clock;

/// A frame as it came.
struct EncodedFrame {
  Arrival arrival;
  std::vector<std::uint8_t> picture;
};

struct SessionCounts {
  std::uint32_t frames = 0;  ///< pictures that came out
  std::uint32_t skipped = 0;
  std::uint32_t dropped = 0;
  std::uint32_t steps = 0;
  double step_seconds = 0;
};

/// One client's place in the engine. Everything is guarded by the engine's mutex but `stream`, which the
/// engine's thread alone touches, and what never changes.
struct Session : std::enable_shared_from_this<Session> {
  Session(std::string given_id, boost::asio::thread_pool& codecs, std::shared_ptr<SessionOutput> given_output)
      : id(std::move(given_id)), codec(boost::asio::make_strand(codecs)), output(std::move(given_output)) {}

  const std::string id;
  boost::asio::strand<boost::asio::thread_pool::executor_type>
      codec;                              ///< its pictures are decoded and encoded in order
  std::shared_ptr<SessionOutput> output;  ///< null when the session has been closed

  std::unique_ptr<SessionStream> stream;

  std::deque<ClientMessage> requests;
  bool waits_for_model = false;  ///< the first request does
  std::string model_error;       ///< why that model cannot be had

  std::optional<EncodedFrame> encoded;  ///< the newest, where `ready` is full or the decoder busy
  std::deque<Arrival> superseded;       ///< frames that a newer one has replaced, not answered yet
  bool decoding = false;
  std::uint64_t input_version =
      0;          ///< counts changes of size, so that frames decoded for the old one are dropped
  int width = 0;  ///< of the stream, as the decoder has to know
  int height = 0;
  Fit fit = Fit::crop;
  std::deque<SessionStream::Input> ready;  ///< decoded, newest last; at most `frame_buffer`
  std::deque<Arrival> text;                ///< text to image, oldest first
  int frame_buffer = 1;

  bool in_flight = false;        ///< SessionStream::in_flight, for the choice of work
  Clock::time_point last_input;  ///< when the last frame came
  double input_interval = 0;     ///< seconds, smoothed; 0: not known
  double step_seconds = 0;       ///< likewise
  int encoding = 0;              ///< pictures on their way to the client's format
  double virtual_time = 0;       ///< seconds of the engine's time that it has had, for fairness
  SessionCounts counts;
  SessionCounts reported;         ///< at the last statistics
  Clock::time_point reported_at;  ///< when that was
};

}  // namespace streamdiffusion::server
