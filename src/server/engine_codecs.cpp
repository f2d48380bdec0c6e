// The part of the engine that decodes and encodes images, on the threads of `codecs_`.

#include <boost/asio/post.hpp>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "server/engine.h"
#include "server/kept_pixels.h"
#include "streamdiffusion/media.h"

namespace streamdiffusion::server {

namespace {

constexpr int kMostEncoding = 3;  // Frames of a session that wait for the encoder; further ones are dropped.

}  // namespace

/// Decodes an image file and its mask, and fits both to width x height. Throws Error if the bytes are not a
/// readable image, and FieldError if the mask is not one for it.
SessionStream::Input Engine::decode(const EncodedFrame& encoded, int width, int height, Fit fit) const {
  SessionStream::Input input;
  const Frame image = decode_image(encoded.image, limits_.image_pixels);
  input.frame.resize(width, height);
  fit_frame(image, fit, input.frame);
  input.arrival = encoded.arrival;
  if (!encoded.mask.empty()) {
    const Frame mask = decode_mask(encoded.mask, image, limits_.image_pixels);
    auto kept = std::make_shared<KeptPixels>();
    kept->image = input.frame;
    kept->opacity.resize(width, height);
    fit_frame(mask, fit, kept->opacity);
    input.arrival->kept = std::move(kept);
  }
  return input;
}

/// Starts decoding the frame in `encoded` while the engine is busy, unless `decoded_frames` is full. The
/// caller holds the mutex.
void Engine::decode_next(const SessionPtr& session) {
  if (session->decoding || !session->encoded ||
      session->decoded_frames.size() >= static_cast<std::size_t>(session->frame_buffer)) {
    return;
  }
  session->decoding = true;
  boost::asio::post(session->codec,
                    [this, session, encoded = std::move(*session->encoded), version = session->input_version,
                     width = session->width, height = session->height,
                     fit = session->fit] { decode_early(session, encoded, version, width, height, fit); });
  session->encoded.reset();
}

void Engine::decode_early(const SessionPtr& session, const EncodedFrame& encoded, std::uint64_t version,
                          int width, int height, Fit fit) {
  std::optional<SessionStream::Input> input;
  std::string problem;
  try {
    input = decode(encoded, width, height, fit);
  } catch (const std::exception& error) {
    problem = make_unreadable_error(error);
  }
  const std::lock_guard lock(mutex_);
  if (!input) {
    answers_.answer_unreadable(*session, encoded.arrival, problem);
  } else if (version != session->input_version) {
    answers_.answer(*session, FrameState::dropped, encoded.arrival);
  } else {
    session->decoded_frames.push_back(std::move(*input));
  }
  session->decoding = false;
  decode_next(session);
  work_.notify_all();
}

/// Hands over a frame that left a stream: its answer, or the encoding of its image. Runs on the engine's
/// thread. The caller must not hold the mutex.
void Engine::deliver(Session& session, FrameState state, const Arrival& arrival, const Frame* image) {
  const std::lock_guard lock(mutex_);
  if (image == nullptr) {
    answers_.answer(session, state, arrival);
    return;
  }
  if (session.encoding >= kMostEncoding && !arrival.text_to_image) {
    answers_.answer(session, FrameState::dropped, arrival);
    return;
  }
  ++session.encoding;
  boost::asio::post(session.codec, [this, owner = session.shared_from_this(), arrival, frame = *image,
                                    settings = session.stream->stream_settings()]() mutable {
    encode(owner, arrival, std::move(frame), settings);
  });
}

void Engine::encode(const SessionPtr& session, const Arrival& arrival, Frame image,
                    const StreamSettings& settings) {
  std::vector<std::uint8_t> bytes;
  std::string problem;
  try {
    if (arrival.kept) {
      restore_kept_pixels(*arrival.kept, image);
    }
    bytes = encode_image(image, settings.format, {}, settings.quality);
  } catch (const std::exception& error) {
    problem = error.what();
  }
  const std::lock_guard lock(mutex_);
  --session->encoding;
  if (problem.empty()) {
    answers_.answer(*session, FrameState::image, arrival, std::move(bytes));
    return;
  }
  answers_.answer(*session, FrameState::dropped, arrival);
  if (session->output) {
    session->output->send(make_error("internal", problem));
  }
}

}  // namespace streamdiffusion::server
