// The functions of the C interface that deal with models.

#include "streamdiffusion/model.h"

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "capi/errors.h"
#include "capi/handles.h"
#include "capi/structs.h"
#include "streamdiffusion/error.h"
#include "streamdiffusion/version.h"

static_assert(SD_VERSION_NUMBER == STREAMDIFFUSION_VERSION_NUMBER);

using namespace streamdiffusion;
using capi::call;
using capi::require;

namespace {

ModelOptions options_of(const sd_model_options& given) {
  require(given.path, "path");
  ModelOptions options{.path = given.path};
  if (given.vae != nullptr) {
    options.vae = given.vae;
  }
  if (given.lora_folder != nullptr) {
    options.lora_folder = given.lora_folder;
  }
  options.device = given.device != nullptr ? given.device : "auto";
  options.precision = given.precision != nullptr ? given.precision : "auto";
  options.prediction_type = given.prediction_type != nullptr ? given.prediction_type : "auto";
  options.threads = given.threads;
  options.clip_skip = given.clip_skip;
  options.prompt_weights = given.prompt_weights != 0;
  if (given.on_warning != nullptr) {
    options.on_warning = [on_warning = given.on_warning, user = given.user](const std::string& message) {
      on_warning(user, message.c_str());
    };
  }
  return options;
}

}  // namespace

const char* sd_version(void) { return STREAMDIFFUSION_VERSION; }

void sd_model_options_init(sd_model_options* options, size_t size) {
  if (options != nullptr) {
    capi::write_struct(sd_model_options{}, options, size);
  }
}

sd_status sd_model_load(const sd_model_options* options, sd_model** model, sd_error* error) {
  return call(error, [&] {
    require(model, "model");
    *model = nullptr;
    const sd_model_options given = capi::read_struct(options, "sd_model_options");
    *model = new sd_model{
        std::make_shared<ModelWithLoras>(ModelWithLoras{.model = Model::load(options_of(given))})};
  });
}

void sd_model_free(sd_model* model) { delete model; }

sd_status sd_model_get_info(const sd_model* model, sd_model_info* info, size_t size, sd_error* error) {
  return call(error, [&] {
    require(model, "model");
    require(info, "info");
    const ModelInfo& own = model->shared->model->info();
    sd_model_info all{};
    all.name = own.name.c_str();
    all.device = own.device.c_str();
    all.native_size = own.native_size;
    all.size_multiple = own.size_multiple;
    all.prompt_tokens = own.prompt_tokens;
    all.embedding_width = own.embedding_width;
    capi::write_struct(all, info, size);
  });
}

sd_status sd_model_add_lora(sd_model* model, const char* file, const char* name, float scale,
                            sd_error* error) {
  return call(error, [&] {
    require(model, "model");
    require(file, "file");
    const std::filesystem::path path = file;
    model->shared->add_lora(
        {.file = path, .scale = scale, .name = name != nullptr ? name : path.stem().string()});
  });
}

sd_status sd_model_remove_lora(sd_model* model, const char* name, sd_error* error) {
  return call(error, [&] {
    require(model, "model");
    require(name, "name");
    model->shared->model->remove_lora(name);
  });
}

sd_status sd_model_encode_prompt(sd_model* model, const char* prompt, float* values, size_t count,
                                 sd_error* error) {
  return call(error, [&] {
    require(model, "model");
    require(prompt, "prompt");
    require(values, "values");
    const std::vector<float> embedding = model->shared->model->encode_prompt(prompt);
    if (embedding.size() != count) {
      throw ArgumentError("count is " + std::to_string(count) + ", the embedding has " +
                          std::to_string(embedding.size()) + " values");
    }
    std::ranges::copy(embedding, values);
  });
}
