#include "server/engine.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <exception>
#include <set>
#include <utility>

#include "control/settings_json.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion::server {

namespace {

using Json = nlohmann::json;

constexpr std::size_t kCodecThreads = 2;
constexpr int kMostEncoding = 3;              // frames of a stream on their way to the client's format
constexpr std::size_t kPicturesTogether = 4;  // of text to image
constexpr double kReportInterval = 1;         // seconds
constexpr double kSmoothing = 0.2;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

void smooth(double& value, double sample) {
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
               const EngineLimits& limits, Metrics& metrics)
    : models_(models),
      defaults_(defaults),
      stream_defaults_(stream_defaults),
      limits_(limits),
      metrics_(metrics),
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
  settings.model = models_.first();
  const int native = std::min(models_.loaded(settings.model)->info().native_size, limits_.largest_side);
  settings.width = settings.width > 0 ? settings.width : native;
  settings.height = settings.height > 0 ? settings.height : native;
  return settings;
}

Settings Engine::default_settings(const std::string& model) const {
  Settings settings = defaults_;
  settings.loras = models_.loras(model);
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
                                                   const Frame* picture) {
    this->deliver(*raw, state, arrival, picture);  // the stream is the session's: it lives
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

bool Engine::request(const SessionPtr& session, ClientMessage message) {
  const std::lock_guard lock(mutex_);
  if (session->requests.size() >= static_cast<std::size_t>(limits_.requests_waiting)) {
    return false;
  }
  session->requests.push_back(std::move(message));
  work_.notify_all();
  return true;
}

void Engine::frame(const SessionPtr& session, const FrameTag& tag, std::vector<std::uint8_t> picture) {
  const Arrival arrival{.tag = tag, .time = Clock::now(), .text_to_image = picture.empty()};
  const std::lock_guard lock(mutex_);
  metrics_.frames_in.Increment();
  if (session->ready.empty() && session->text.empty()) {
    catch_up(*session, sessions_);
  }
  if (arrival.text_to_image) {
    session->text.push_back(arrival);
    if (session->text.size() > static_cast<std::size_t>(limits_.frames_under_way)) {
      answer_locked(*session, FrameState::dropped, session->text.front());
      session->text.pop_front();
    }
    work_.notify_all();
    return;
  }
  if (session->last_input != Clock::time_point{}) {
    smooth(session->input_interval,
           std::chrono::duration<double>(arrival.time - session->last_input).count());
  }
  session->last_input = arrival.time;
  if (session->encoded) {
    supersede(*session, session->encoded->arrival);
  }
  session->encoded = EncodedFrame{.arrival = arrival, .picture = std::move(picture)};
  decode_next(session);
}

// ---- decoding and encoding, on threads of their own

/// Throws Error for what is no picture.
SessionStream::Input Engine::decode(const EncodedFrame& encoded, int width, int height, Fit fit) const {
  SessionStream::Input input;
  const Frame picture = decode_image(encoded.picture, limits_.picture_pixels);
  input.frame.resize(width, height);
  fit_frame(picture, fit, input.frame);
  input.arrival = encoded.arrival;
  return input;
}

/// Decodes what has come while the engine is busy, as many frames as it can take; a newer one is decoded when
/// the turn comes. The mutex is held.
void Engine::decode_next(const SessionPtr& session) {
  if (session->decoding || !session->encoded ||
      session->ready.size() >= static_cast<std::size_t>(session->frame_buffer)) {
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
    problem = error.what();
  }
  const std::lock_guard lock(mutex_);
  if (!input) {
    answer_unreadable(*session, encoded.arrival, problem);
  } else if (version != session->input_version) {
    answer_locked(*session, FrameState::dropped, encoded.arrival);
  } else {
    session->ready.push_back(std::move(*input));
  }
  session->decoding = false;
  decode_next(session);
  work_.notify_all();
}

/// On the engine's thread, without the mutex.
void Engine::deliver(Session& session, FrameState state, const Arrival& arrival, const Frame* picture) {
  const std::lock_guard lock(mutex_);
  if (picture == nullptr) {
    answer_locked(session, state, arrival);
    return;
  }
  if (session.encoding >= kMostEncoding && !arrival.text_to_image) {
    answer_locked(session, FrameState::dropped, arrival);
    return;
  }
  ++session.encoding;
  boost::asio::post(session.codec, [this, owner = session.shared_from_this(), arrival, frame = *picture,
                                    settings = session.stream->stream_settings()] {
    encode(owner, arrival, frame, settings);
  });
}

void Engine::encode(const SessionPtr& session, const Arrival& arrival, const Frame& picture,
                    const StreamSettings& settings) {
  std::vector<std::uint8_t> bytes;
  std::string problem;
  try {
    bytes = encode_image(picture, settings.format, {}, settings.quality);
  } catch (const std::exception& error) {
    problem = error.what();
  }
  const std::lock_guard lock(mutex_);
  --session->encoding;
  if (problem.empty()) {
    answer_locked(*session, FrameState::picture, arrival, std::move(bytes));
    return;
  }
  answer_locked(*session, FrameState::dropped, arrival);
  if (session->output) {
    session->output->send(make_error("internal", problem));
  }
}

/// A newer frame has come before this one's turn. It is answered with the next answer to another one, so that
/// who sends a frame for each answer sends as many as can be used.
void Engine::supersede(Session& session, const Arrival& arrival) {
  session.superseded.push_back(arrival);
  if (session.superseded.size() > static_cast<std::size_t>(limits_.frames_under_way)) {
    give_answer(session, FrameState::dropped, session.superseded.front(), {});
    session.superseded.pop_front();
  }
}

void Engine::answer_unreadable(Session& session, const Arrival& arrival, const std::string& problem) {
  answer_locked(session, FrameState::unreadable, arrival);
  if (session.output) {
    session.output->send(make_error("picture", problem));
  }
}

void Engine::answer_locked(Session& session, FrameState state, const Arrival& arrival,
                           std::vector<std::uint8_t> picture) {
  for (const Arrival& older : std::exchange(session.superseded, {})) {
    give_answer(session, FrameState::dropped, older, {});
  }
  give_answer(session, state, arrival, std::move(picture));
}

void Engine::give_answer(Session& session, FrameState state, const Arrival& arrival,
                         std::vector<std::uint8_t> picture) {
  switch (state) {
    case FrameState::picture:
      ++session.counts.frames;
      metrics_.pictures.Increment();
      metrics_.latency.Observe(seconds_since(arrival.time));
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
                                     .picture = std::move(picture)});
  }
}

void Engine::send(const SessionPtr& session, std::string message) {
  const std::lock_guard lock(mutex_);
  if (session->output) {
    session->output->send(std::move(message));
  }
}

// ---- the engine's thread

void Engine::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    for (const SessionPtr& session : std::exchange(closed_, {})) {
      session->stream.reset();
    }
    const Turn turn = choose_turn(sessions_, Clock::now());
    if (turn.work != Turn::Work::none) {
      perform(turn, lock);
    } else if (turn.wake) {
      work_.wait_until(lock, *turn.wake);
    } else {
      work_.wait(lock);
    }
  }
}

void Engine::perform(const Turn& turn, std::unique_lock<std::mutex>& lock) {
  const Clock::time_point start = Clock::now();
  switch (turn.work) {
    case Turn::Work::requests:
      answer_requests(turn.sessions.front(), lock);
      break;
    case Turn::Work::step:
      step(turn, lock);
      break;
    case Turn::Work::pictures:
      make_pictures(turn.sessions.front(), lock);
      break;
    case Turn::Work::drain:
      lock.unlock();
      drain(turn.sessions.front());
      lock.lock();
      break;
    case Turn::Work::none:
      return;
  }
  const double seconds = seconds_since(start);
  charge(turn.sessions, seconds);
  metrics_.step_time.Observe(seconds);
  for (const SessionPtr& session : turn.sessions) {
    session->in_flight = session->stream->in_flight();
    if (turn.work != Turn::Work::requests) {
      smooth(session->step_seconds, seconds);
      ++session->counts.steps;
      session->counts.step_seconds += seconds;
      metrics_.steps.Increment();
      if (turn.sessions.size() > 1) {
        metrics_.shared_steps.Increment();
      }
      report(*session, Clock::now());
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

/// Tells everybody, once; without the mutex.
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

/// Runs `work`, without the mutex. Where it fails, the sessions are told and their streams begin anew.
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
    step_together(steps);
    for (std::size_t i = 0; i < steps.size(); ++i) {
      turn.sessions[i]->stream->end_step(steps[i]);
    }
  });
  lock.lock();
}

/// The newest frames of a session, as many as its stream takes.
std::vector<SessionStream::Input> Engine::take_inputs(const SessionPtr& session,
                                                      std::unique_lock<std::mutex>& lock) {
  const auto size = static_cast<std::size_t>(session->frame_buffer);
  std::deque<SessionStream::Input> inputs = std::exchange(session->ready, {});
  if (session->encoded && !session->decoding) {
    const EncodedFrame newest = *std::exchange(session->encoded, std::nullopt);
    lock.unlock();
    std::string problem;
    try {
      inputs.push_back(decode(newest, session->width, session->height, session->fit));
    } catch (const std::exception& error) {
      problem = error.what();
    }
    lock.lock();
    if (!problem.empty()) {
      answer_unreadable(*session, newest.arrival, problem);
    }
  }
  while (inputs.size() > size) {
    answer_locked(*session, FrameState::dropped, *inputs.front().arrival);
    inputs.pop_front();
  }
  while (inputs.size() < size) {
    inputs.push_back({.frame = inputs.back().frame, .arrival = std::nullopt});
  }
  return {std::make_move_iterator(inputs.begin()), std::make_move_iterator(inputs.end())};
}

void Engine::make_pictures(const SessionPtr& session, std::unique_lock<std::mutex>& lock) {
  std::vector<Arrival> arrivals;
  while (!session->text.empty() && arrivals.size() < kPicturesTogether) {
    arrivals.push_back(session->text.front());
    session->text.pop_front();
  }
  lock.unlock();
  compute({session}, [&] { session->stream->make_pictures(arrivals); });
  lock.lock();
}

void Engine::drain(const SessionPtr& session) {
  compute({session}, [&] { session->stream->drain(); });
}

void Engine::answer_requests(const SessionPtr& session, std::unique_lock<std::mutex>& lock) {
  const ClientMessage message = session->requests.front();
  lock.unlock();
  const bool is_answered = answer(session, message);
  lock.lock();
  if (is_answered) {
    session->requests.pop_front();
  }
}

/// False where a model has to be loaded first: the request is looked at again then.
bool Engine::answer(const SessionPtr& session, const ClientMessage& message) {
  try {
    if (message.type == ClientMessage::Type::stream) {
      return change_stream(session, message);
    }
    change_settings(session, message);
  } catch (const FieldError& error) {
    send(session, make_error("invalid", error.what(), message.id, error.field()));
  } catch (const ProtocolError& error) {
    send(session, make_error(error.code(), error.what(), message.id));
  } catch (const DeviceLost& error) {
    lose_device(error.what());
  } catch (const Error& error) {
    send(session, make_error("invalid", error.what(), message.id));
  } catch (const std::exception& error) {
    metrics_.internal_errors.Increment();
    send(session, make_error("internal", error.what(), message.id));
  }
  return true;
}

void Engine::change_settings(const SessionPtr& session, const ClientMessage& message) {
  Settings settings = session->stream->settings();
  apply_json(message.fields, settings);
  check_weight_sets(*session->stream, settings);
  session->stream->set(settings);
  send(session, dump({{"type", "settings"}, {"id", message.id}, {"settings", to_json(settings)}}));
}

bool Engine::change_stream(const SessionPtr& session, const ClientMessage& message) {
  SessionStream& stream = *session->stream;
  StreamSettings wanted = stream.stream_settings();
  apply_json(message.fields, limits_.largest_side, wanted);
  const bool other_model = wanted.model != stream.stream_settings().model;
  if (!models_.has(wanted.model)) {
    throw FieldError("model", "names none of this server's models");
  }
  if (wait_for_model(session, message)) {
    return false;
  }
  const std::shared_ptr<Model> model = other_model ? models_.loaded(wanted.model) : stream.model();
  Settings settings = stream.settings();
  if (other_model) {
    settings.loras = models_.loras(wanted.model);
    const int native = std::min(model->info().native_size, limits_.largest_side);
    wanted.width = message.fields.contains("width") ? wanted.width : native;
    wanted.height = message.fields.contains("height") ? wanted.height : native;
  }
  for (const auto& [side, pixels] : {std::pair{"width", wanted.width}, std::pair{"height", wanted.height}}) {
    if (pixels % model->info().size_multiple != 0) {
      throw FieldError(side, "must be a multiple of " + std::to_string(model->info().size_multiple));
    }
  }
  stream.set(model, settings, wanted);
  {
    const std::lock_guard lock(mutex_);
    session->width = wanted.width;
    session->height = wanted.height;
    session->fit = wanted.fit;
    session->frame_buffer = wanted.frame_buffer;
    ++session->input_version;
    for (const SessionStream::Input& input : std::exchange(session->ready, {})) {
      answer_locked(*session, FrameState::dropped, *input.arrival);
    }
    decode_next(session);
  }
  send(session, dump({{"type", "stream"},
                      {"id", message.id},
                      {"stream", to_json(wanted)},
                      {"settings", to_json(settings)},
                      {"models", describe_models()}}));
  return true;
}

/// Whether the model that is asked for has to be loaded first, which it is then.
bool Engine::wait_for_model(const SessionPtr& session, const ClientMessage& message) {
  if (!message.fields.contains("model")) {
    return false;
  }
  const std::string id = message.fields["model"];
  if (models_.loaded(id) != nullptr) {
    return false;
  }
  {
    const std::lock_guard lock(mutex_);
    if (const std::string problem = std::exchange(session->model_error, {}); !problem.empty()) {
      throw ProtocolError("model", problem);
    }
    session->waits_for_model = true;
  }
  send(session, dump({{"type", "loading"}, {"model", id}}));
  models_.load(id, [this, session](const std::string& problem) {
    const std::lock_guard lock(mutex_);
    session->model_error = problem;
    session->waits_for_model = false;
    work_.notify_all();
  });
  return true;
}

/// Each combination of LoRA scales has weights of its own.
void Engine::check_weight_sets(const SessionStream& own, const Settings& wanted) {
  std::set<std::vector<float>> sets;
  const auto add = [&sets](const Settings& settings) {
    std::vector<float> scales;
    std::ranges::transform(settings.loras, std::back_inserter(scales), &LoraScale::scale);
    sets.insert(scales);
  };
  add(wanted);
  const std::lock_guard lock(mutex_);
  for (const SessionPtr& session : sessions_) {
    if (session->stream.get() != &own && session->stream->model() == own.model()) {
      add(session->stream->settings());
    }
  }
  if (sets.size() > static_cast<std::size_t>(limits_.weight_sets)) {
    throw FieldError("loras", "cannot have these scales: other sessions use " +
                                  std::to_string(sets.size() - 1) +
                                  " other combinations, as many as this server keeps in memory");
  }
}

}  // namespace streamdiffusion::server
