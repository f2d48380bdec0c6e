// The functions of the C interface that make streams and change their settings.

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "capi/errors.h"
#include "capi/handles.h"
#include "capi/structs.h"
#include "control/lora_settings.h"
#include "control/settings_json.h"
#include "streamdiffusion/error.h"

using namespace streamdiffusion;
using capi::call;
using capi::require;

namespace {

using Embeds = std::shared_ptr<const std::vector<float>>;

StreamOptions options_of(const sd_stream_options& given, const ModelInfo& model) {
  StreamOptions options;
  options.width = given.width != 0 ? given.width : model.native_size;
  options.height = given.height != 0 ? given.height : model.native_size;
  options.frame_buffer_size = given.frame_buffer_size != 0 ? given.frame_buffer_size : 1;
  options.use_denoising_batch = given.sequential == 0;
  if (given.on_denoising_step != nullptr) {
    options.on_denoising_step = [on_step = given.on_denoising_step,
                                 user = given.user](const DenoisingStepInfo& step) {
      return on_step(user, step.call, step.calls) != 0;
    };
  }
  return options;
}

nlohmann::json parse_settings(const char* json) {
  try {
    return nlohmann::json::parse(json);
  } catch (const nlohmann::json::parse_error& error) {
    throw ArgumentError(std::string("the settings are not valid JSON: ") + error.what());
  }
}

SettingsWithLoras changed_settings(const ModelWithLoras& model, SettingsWithLoras settings,
                                   const char* json) {
  update_loras(model, settings);
  if (json != nullptr) {
    apply_json(parse_settings(json), settings.settings);
  }
  return settings;
}

/// Applies settings to the stream, or leaves it as it was.
void apply(sd_stream& stream, SettingsWithLoras settings) {
  stream.stream.set_parameters(make_parameters(settings.settings));
  stream.settings = std::move(settings);
}

/// Returns a copy of an embedding, or null for NULL.
Embeds embeds_of(const Model& model, const float* values, size_t count) {
  const auto wanted =
      static_cast<size_t>(model.info().prompt_tokens) * static_cast<size_t>(model.info().embedding_width);
  if (values != nullptr && count != wanted) {
    throw ArgumentError("count is " + std::to_string(count) + ", this model's embeddings have " +
                        std::to_string(wanted) + " numbers");
  }
  return values != nullptr ? std::make_shared<const std::vector<float>>(values, values + count) : nullptr;
}

}  // namespace

void sd_stream_options_init(sd_stream_options* options, size_t size) {
  if (options != nullptr) {
    capi::write_struct(sd_stream_options{}, options, size);
  }
}

sd_status sd_stream_create(sd_model* model, const sd_stream_options* options, const char* settings,
                           sd_stream** stream, sd_error* error) {
  return call(error, [&] {
    require(stream, "stream");
    *stream = nullptr;
    require(model, "model");
    const sd_stream_options given = capi::read_struct(options, "sd_stream_options");
    *stream = new sd_stream(model->shared, options_of(given, model->shared->model->info()),
                            changed_settings(*model->shared, {}, settings));
  });
}

void sd_stream_free(sd_stream* stream) { delete stream; }

sd_status sd_stream_set(sd_stream* stream, const char* settings, sd_error* error) {
  return call(error, [&] {
    require(stream, "stream");
    require(settings, "settings");
    apply(*stream, changed_settings(*stream->model, stream->settings, settings));
  });
}

sd_status sd_stream_set_prompt_embeds(sd_stream* stream, const float* values, size_t count, sd_error* error) {
  return call(error, [&] {
    require(stream, "stream");
    SettingsWithLoras settings = changed_settings(*stream->model, stream->settings, nullptr);
    settings.settings.parameters.prompt_embeds = embeds_of(*stream->model->model, values, count);
    apply(*stream, std::move(settings));
  });
}

sd_status sd_stream_set_negative_prompt_embeds(sd_stream* stream, const float* values, size_t count,
                                               sd_error* error) {
  return call(error, [&] {
    require(stream, "stream");
    SettingsWithLoras settings = changed_settings(*stream->model, stream->settings, nullptr);
    settings.settings.parameters.negative_prompt_embeds = embeds_of(*stream->model->model, values, count);
    apply(*stream, std::move(settings));
  });
}

size_t sd_stream_get(const sd_stream* stream, char* text, size_t size) {
  std::string all;
  if (stream == nullptr ||
      call(nullptr, [&] {
        all =
            to_json(stream->settings.settings).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
      }) != SD_OK) {
    return 0;
  }
  if (text != nullptr && size > 0) {
    const std::size_t length = capi::cut_length(all, size - 1);
    std::copy_n(all.begin(), length, text);
    text[length] = '\0';
  }
  return all.size();
}
