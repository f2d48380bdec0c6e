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

/// A frame that is not decoded yet.
struct EncodedFrame {
  Arrival arrival;
  std::vector<std::uint8_t> image;
  std::vector<std::uint8_t> mask;  ///< Empty: the frame has no mask.
};

struct SessionCounts {
  std::uint32_t frames = 0;  ///< Frames answered with an image.
  std::uint32_t skipped = 0;
  std::uint32_t dropped = 0;
  std::uint32_t steps = 0;
  double step_seconds = 0;
};

/// The engine's state of one client. The engine's mutex guards all members except constant ones and `stream`,
/// which only the engine's thread uses.
struct Session : std::enable_shared_from_this<Session> {
  Session(std::string given_id, boost::asio::thread_pool& codecs, std::shared_ptr<SessionOutput> given_output)
      : id(std::move(given_id)), codec(boost::asio::make_strand(codecs)), output(std::move(given_output)) {}

  const std::string id;
  /// Decodes and encodes this session's images in order.
  boost::asio::strand<boost::asio::thread_pool::executor_type> codec;
  std::shared_ptr<SessionOutput> output;  ///< Null after the session has been closed.

  std::unique_ptr<SessionStream> stream;

  std::deque<ClientMessage> requests;
  bool waits_for_model = false;  ///< True while the first request waits for its model to load.
  std::string model_error;       ///< Why that model could not be loaded; empty: no error.

  std::optional<EncodedFrame>
      encoded;                     ///< The newest frame, while `decoded_frames` is full or the decoder busy.
  std::deque<Arrival> superseded;  ///< Frames that a newer one replaced and that are not answered yet.
  bool decoding = false;
  /// Number of stream changes. Frames decoded for an earlier version are dropped.
  std::uint64_t input_version = 0;
  int width = 0;   ///< Width that the decoder scales frames to: the stream's, in pixels.
  int height = 0;  ///< Height that the decoder scales frames to.
  Fit fit = Fit::crop;
  std::deque<SessionStream::Input> decoded_frames;  ///< Decoded frames, newest last; at most `frame_buffer`.
  std::deque<Arrival> text_frames;                  ///< Text-to-image frames that wait, oldest first.
  int frame_buffer = 1;

  bool in_flight = false;        ///< Copy of SessionStream::in_flight for the scheduler.
  Clock::time_point last_input;  ///< Arrival of the last image-to-image frame.
  double input_interval = 0;     ///< Smoothed seconds between frames; 0: not known.
  double step_seconds = 0;       ///< Smoothed seconds of a step; 0: not known.
  int encoding = 0;              ///< Frames that wait for the encoder.
  double virtual_time = 0;       ///< Seconds of the engine's time charged to the session.
  SessionCounts counts;
  SessionCounts reported;         ///< Counts at the last `statistics` message.
  Clock::time_point reported_at;  ///< Time of that message.
};

}  // namespace streamdiffusion::server
