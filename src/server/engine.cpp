#include "server/engine.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <deque>
#include <exception>
#include <iterator>
#include <utility>

#include "streamdiffusion/error.h"

namespace streamdiffusion::server {

namespace {

using Json = nlohmann::json;

constexpr std::size_t kCodecThreads = 2;          // One may decode while another encodes.
constexpr std::size_t kMaxBatchedTextFrames = 4;  // Most text-to-image frames of one call.
constexpr double kReportInterval = 1;             // Seconds between two `statistics` messages.
constexpr double kSmoothing = 0.2;  // Weight of a new sample: the mean follows within about five.

void update_mean(double& value, double sample) {
  value = value == 0 ? sample : value + kSmoothing * (sample - value);
}

Json to_json(const ModelInfo& info) {
  return {{"native_size", info.native_size},
          {"size_multiple", info.size_multiple},
          {"prompt_tokens", info.prompt_tokens},
          {"device", info.device}};
}

}  // namespace

Engine::Engine(ModelStore& models, const Settings& defaults, const StreamSettings& stream_defaults,
               const EngineLimits& limits, Metrics& metrics, MonotonicClock& clock)
    : models_(models),
      defaults_(defaults),
      stream_defaults_(stream_defaults),
      limits_(limits),
      metrics_(metrics),
      clock_(clock),
      answers_(metrics, limits.text_frames_waiting, clock),
      codecs_(kCodecThreads),
      thread_([this] { run(); }) {}

Engine::~Engine() { stop(); }

void Engine::stop() {
  if (!thread_.joinable()) {
    return;
  }
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    for (const SessionPtr& session : sessions_) {
      session->output.reset();
    }
  }
  work_.notify_all();
  thread_.join();
  models_.finish_loading();
  codecs_.join();
}

StreamSettings Engine::default_stream() const {
  StreamSettings settings = stream_defaults_;
  settings.model = models_.first_id();
  const int native = std::min(models_.loaded(settings.model)->info().native_size, limits_.largest_side);
  settings.width = settings.width > 0 ? settings.width : native;
  settings.height = settings.height > 0 ? settings.height : native;
  return settings;
}

Settings Engine::default_settings(const std::string& model) const {
  Settings settings = defaults_;
  settings.parameters.lora_scales = models_.loras(model);
  return settings;
}

Json Engine::describe_models() const {
  Json models = Json::array();
  for (const ModelStore::Entry& entry : models_.entries()) {
    Json model = entry.model ? to_json(entry.model->info()) : Json::object();
    model["id"] = entry.id;
    model["loaded"] = entry.model != nullptr;
    model["loras"] = Json::array();
    for (const LoraScale& lora : entry.loras) {
      model["loras"].push_back(lora.name);
    }
    models.push_back(std::move(model));
  }
  return models;
}

std::shared_ptr<Session> Engine::open(const std::string& id, const StreamSettings& stream_settings,
                                      std::shared_ptr<SessionOutput> output) {
  auto session = std::make_shared<Session>(id, codecs_, std::move(output));
  const auto deliver = [this, raw = session.get()](FrameState state, const Arrival& arrival,
                                                   const Frame* image) {
    this->deliver(*raw, state, arrival, image);  // The session owns the stream and so outlives it.
  };
  session->stream =
      std::make_unique<SessionStream>(models_.loaded(stream_settings.model),
                                      default_settings(stream_settings.model), stream_settings, deliver);
  session->width = stream_settings.width;
  session->height = stream_settings.height;
  session->fit = stream_settings.fit;
  session->frame_buffer = stream_settings.frame_buffer;
  const std::lock_guard lock(mutex_);
  sessions_.push_back(session);
  return session;
}

void Engine::close(const SessionPtr& session) {
  const std::lock_guard lock(mutex_);
  session->output.reset();
  std::erase(sessions_, session);
  closed_.push_back(session);
  work_.notify_all();
}

bool Engine::queue_request(const SessionPtr& session, ClientMessage message) {
  const std::lock_guard lock(mutex_);
  if (session->requests.size() >= static_cast<std::size_t>(limits_.requests_waiting)) {
    return false;
  }
  session->requests.push_back(std::move(message));
  work_.notify_all();
  return true;
}

void Engine::queue_frame(const SessionPtr& session, const FrameTag& tag, std::vector<std::uint8_t> image,
                         std::vector<std::uint8_t> mask) {
  const Arrival arrival{.tag = tag, .time = clock_.now(), .text_to_image = image.empty()};
  const std::lock_guard lock(mutex_);
  metrics_.frames_in.Increment();
  if (session->decoded_frames.empty() && session->text_frames.empty()) {
    catch_up(*session, sessions_);
  }
  if (arrival.text_to_image) {
    session->text_frames.push_back(arrival);
    if (session->text_frames.size() > static_cast<std::size_t>(limits_.text_frames_waiting)) {
      answers_.answer(*session, FrameState::dropped, session->text_frames.front());
      session->text_frames.pop_front();
    }
    work_.notify_all();
    return;
  }
  if (session->last_input != Clock::time_point{}) {
    update_mean(session->input_interval,
                std::chrono::duration<double>(arrival.time - session->last_input).count());
  }
  session->last_input = arrival.time;
  if (session->encoded) {
    answers_.note_superseded(*session, session->encoded->arrival);
  }
  session->encoded = EncodedFrame{.arrival = arrival, .image = std::move(image), .mask = std::move(mask)};
  decode_next(session);
}

void Engine::send(const SessionPtr& session, std::string message) {
  const std::lock_guard lock(mutex_);
  if (session->output) {
    session->output->send(std::move(message));
  }
}

// ---- On the engine's thread

void Engine::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    for (const SessionPtr& session : std::exchange(closed_, {})) {
      session->stream.reset();
    }
    const Turn turn = choose_turn(sessions_, clock_.now());
    if (turn.work != Turn::Work::none) {
      perform_turn(turn, lock);
    } else if (turn.wake) {
      clock_.wait_until(lock, work_, *turn.wake);
    } else {
      work_.wait(lock);
    }
  }
}

void Engine::perform_turn(const Turn& turn, std::unique_lock<std::mutex>& lock) {
  const Clock::time_point start = clock_.now();
  switch (turn.work) {
    case Turn::Work::requests:
      answer_requests(turn.sessions.front(), lock);
      break;
    case Turn::Work::step:
      step(turn, lock);
      break;
    case Turn::Work::text_to_image:
      make_text_images(turn.sessions.front(), lock);
      break;
    case Turn::Work::drain:
      lock.unlock();
      drain(turn.sessions.front());
      lock.lock();
      break;
    case Turn::Work::none:
      return;
  }
  const double seconds = std::chrono::duration<double>(clock_.now() - start).count();
  charge(turn.sessions, seconds);
  metrics_.step_time.Observe(seconds);
  for (const SessionPtr& session : turn.sessions) {
    session->in_flight = session->stream->in_flight();
    if (turn.work != Turn::Work::requests) {
      update_mean(session->step_seconds, seconds);
      ++session->counts.steps;
      session->counts.step_seconds += seconds;
      metrics_.steps.Increment();
      if (turn.sessions.size() > 1) {
        metrics_.shared_steps.Increment();
      }
      report(*session, clock_.now());
    }
  }
}

void Engine::report(Session& session, Clock::time_point now) {
  const double seconds = std::chrono::duration<double>(now - session.reported_at).count();
  if (seconds < kReportInterval || !session.output) {
    return;
  }
  const SessionCounts& counts = session.counts;
  const SessionCounts& before = session.reported;
  if (session.reported_at != Clock::time_point{}) {
    const std::uint32_t shown = counts.frames + counts.skipped - before.frames - before.skipped;
    const std::uint32_t steps = counts.steps - before.steps;
    session.output->send(
        dump({{"type", "statistics"},
              {"fps", std::round(10 * shown / seconds) / 10},
              {"step_ms",
               steps > 0 ? std::round(1e4 * (counts.step_seconds - before.step_seconds) / steps) / 10 : 0},
              {"frames", counts.frames},
              {"dropped", counts.dropped},
              {"skipped", counts.skipped},
              {"sessions", sessions_.size()}}));
  }
  session.reported = counts;
  session.reported_at = now;
}

void Engine::when_device_is_lost(std::function<void(const std::string&)> tell) {
  const std::lock_guard lock(mutex_);
  tell_of_loss_ = std::move(tell);
}

/// Reports the lost device to all clients and to the server, once. The caller must not hold the mutex.
void Engine::lose_device(const std::string& problem) {
  metrics_.internal_errors.Increment();
  std::function<void(const std::string&)> tell;
  {
    const std::lock_guard lock(mutex_);
    tell = std::exchange(tell_of_loss_, {});
    for (const SessionPtr& session : sessions_) {
      if (tell && session->output) {
        session->output->send(make_error("internal", problem));
      }
    }
  }
  if (tell) {
    tell(problem);
  }
}

/// Runs `work`. If it throws, the sessions' clients get an error and their streams are reset. The caller must
/// not hold the mutex.
void Engine::compute(const std::vector<SessionPtr>& sessions, const std::function<void()>& work) {
  try {
    work();
  } catch (const DeviceLost& error) {
    lose_device(error.what());
  } catch (const std::exception& error) {
    metrics_.internal_errors.Increment();
    for (const SessionPtr& session : sessions) {
      session->stream->reset();
      send(session, make_error("internal", error.what()));
    }
  }
}

void Engine::step(const Turn& turn, std::unique_lock<std::mutex>& lock) {
  std::vector<std::vector<SessionStream::Input>> inputs;
  for (const SessionPtr& session : turn.sessions) {
    inputs.push_back(take_inputs(session, lock));
  }
  lock.unlock();
  compute(turn.sessions, [&] {
    std::vector<StreamStep> steps;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      steps.push_back(turn.sessions[i]->stream->begin_step(std::move(inputs[i])));
    }
    step_streams(steps);
    for (std::size_t i = 0; i < steps.size(); ++i) {
      turn.sessions[i]->stream->end_step(steps[i]);
    }
  });
  lock.lock();
}

/// Takes the newest frames of a session: exactly `frame_buffer` of them. Older ones are dropped; the newest
/// is repeated if there are too few.
std::vector<SessionStream::Input> Engine::take_inputs(const SessionPtr& session,
                                                      std::unique_lock<std::mutex>& lock) {
  const auto size = static_cast<std::size_t>(session->frame_buffer);
  std::deque<SessionStream::Input> inputs = std::exchange(session->decoded_frames, {});
  if (session->encoded && !session->decoding) {
    const EncodedFrame newest = *std::exchange(session->encoded, std::nullopt);
    lock.unlock();
    std::string problem;
    try {
      inputs.push_back(decode(newest, session->width, session->height, session->fit));
    } catch (const std::exception& error) {
      problem = make_unreadable_error(error);
    }
    lock.lock();
    if (!problem.empty()) {
      answers_.answer_unreadable(*session, newest.arrival, problem);
    }
  }
  while (inputs.size() > size) {
    answers_.answer(*session, FrameState::dropped, *inputs.front().arrival);
    inputs.pop_front();
  }
  while (inputs.size() < size) {
    inputs.push_back({.frame = inputs.back().frame, .arrival = std::nullopt});
  }
  return {std::make_move_iterator(inputs.begin()), std::make_move_iterator(inputs.end())};
}

void Engine::make_text_images(const SessionPtr& session, std::unique_lock<std::mutex>& lock) {
  std::vector<Arrival> arrivals;
  while (!session->text_frames.empty() && arrivals.size() < kMaxBatchedTextFrames) {
    arrivals.push_back(session->text_frames.front());
    session->text_frames.pop_front();
  }
  lock.unlock();
  compute({session}, [&] { session->stream->make_text_images(arrivals); });
  lock.lock();
}

void Engine::drain(const SessionPtr& session) {
  compute({session}, [&] { session->stream->drain(); });
}

}  // namespace streamdiffusion::server
