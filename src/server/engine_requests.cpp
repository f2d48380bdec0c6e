// The part of the engine that answers a session's requests to change its settings or its stream.

#include <algorithm>
#include <cstddef>
#include <deque>
#include <exception>
#include <iterator>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "control/settings_json.h"
#include "server/engine.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion::server {

namespace {

/// Names the fields of a change that have no effect with the settings as they are now.
std::vector<std::string> warnings_of(const nlohmann::json& fields, const Settings& settings) {
  std::vector<std::string> warnings;
  if (fields.contains("negative_prompt") && !settings.parameters.negative_prompt.empty() &&
      !uses_negative_prompt(settings)) {
    warnings.emplace_back(
        R"("negative_prompt" has no effect: it takes cfg_type full or initialize and guidance_scale above 1)");
  }
  if (fields.contains("delta") && settings.parameters.delta != Settings{}.parameters.delta &&
      !uses_delta(settings)) {
    warnings.emplace_back(
        R"("delta" has no effect: it takes cfg_type self or initialize and guidance_scale above 1)");
  }
  return warnings;
}

}  // namespace

void Engine::answer_requests(const SessionPtr& session, std::unique_lock<std::mutex>& lock) {
  const ClientMessage message = session->requests.front();
  lock.unlock();
  const bool is_answered = answer(session, message);
  lock.lock();
  if (is_answered) {
    session->requests.pop_front();
  }
}

/// Answers a request. Returns false if a model has to be loaded first; the request is then tried again.
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
  nlohmann::json taken = {{"type", "settings"}, {"id", message.id}, {"settings", to_json(settings)}};
  if (const std::vector<std::string> warnings = warnings_of(message.fields, settings); !warnings.empty()) {
    taken["warnings"] = warnings;
  }
  std::string answer = dump(taken);
  try {
    session->stream->set_settings(settings);
  } catch (const PromptError& error) {
    const bool is_blend = error.parameter() == "prompt" && !settings.parameters.prompts.empty();
    answer = make_error("invalid", error.what(), message.id, is_blend ? "prompts" : error.parameter());
  }
  send(session, std::move(answer));
}

bool Engine::change_stream(const SessionPtr& session, const ClientMessage& message) {
  SessionStream& stream = *session->stream;
  StreamSettings wanted = stream.stream_settings();
  apply_json(message.fields, limits_.largest_side, wanted);
  const bool other_model = wanted.model != stream.stream_settings().model;
  if (!models_.has_model(wanted.model)) {
    throw FieldError("model", "names none of this server's models: " + models_.list_ids());
  }
  if (wait_for_model(session, message)) {
    return false;
  }
  const std::shared_ptr<Model> model = other_model ? models_.loaded(wanted.model) : stream.model();
  Settings settings = stream.settings();
  if (other_model) {
    settings.parameters.lora_scales = models_.loras(wanted.model);
    const int native = std::min(model->info().native_size, limits_.largest_side);
    wanted.width = message.fields.contains("width") ? wanted.width : native;
    wanted.height = message.fields.contains("height") ? wanted.height : native;
  }
  for (const auto& [side, pixels] : {std::pair{"width", wanted.width}, std::pair{"height", wanted.height}}) {
    if (pixels % model->info().size_multiple != 0) {
      throw FieldError(side, "must be a multiple of " + std::to_string(model->info().size_multiple));
    }
  }
  std::string answer = dump({{"type", "stream"},
                             {"id", message.id},
                             {"stream", to_json(wanted)},
                             {"settings", to_json(settings)},
                             {"models", describe_models()}});
  std::deque<SessionStream::Input> ready;
  stream.set_stream(model, settings, wanted);
  {
    const std::lock_guard lock(mutex_);
    session->width = wanted.width;
    session->height = wanted.height;
    session->fit = wanted.fit;
    session->frame_buffer = wanted.frame_buffer;
    ++session->input_version;
    session->decoded_frames.swap(ready);
    for (const SessionStream::Input& input : ready) {
      answers_.answer(*session, FrameState::dropped, *input.arrival);
    }
    decode_next(session);
  }
  send(session, std::move(answer));
  return true;
}

/// True if the requested model is not loaded yet; loading then begins and wakes the engine at its end.
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

/// Throws FieldError if `wanted` needs one more combination of LoRA scales than the server keeps. Each
/// combination has its own copy of the weights in memory.
void Engine::check_weight_sets(const SessionStream& own, const Settings& wanted) {
  std::set<std::vector<float>> sets;
  const auto add = [&sets](const Settings& settings) {
    std::vector<float> scales;
    std::ranges::transform(settings.parameters.lora_scales, std::back_inserter(scales), &LoraScale::scale);
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
