#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "settings/settings.h"
#include "streamdiffusion.h"
#include "streamdiffusion/stream.h"

// The types behind the C interface's handles.

namespace streamdiffusion::capi {

/// A number for each added LoRA, by name. A LoRA that is added under the name of a removed one has another.
using LoraNumbers = std::map<std::string, std::uint64_t>;

/// A model with its LoRAs, shared by its streams.
struct SharedModel {
  std::shared_ptr<Model> model;
  LoraNumbers loras = {};
  std::uint64_t added_loras = 0;
};

/// The settings of a stream, and the LoRAs that their scales are for.
struct StreamSettings {
  Settings settings;
  LoraNumbers loras = {};
};

}  // namespace streamdiffusion::capi

struct sd_model {
  std::shared_ptr<streamdiffusion::capi::SharedModel> shared;
};

struct sd_stream {
  sd_stream(std::shared_ptr<streamdiffusion::capi::SharedModel> of_model,
            const streamdiffusion::StreamOptions& options, streamdiffusion::capi::StreamSettings initial)
      : model(std::move(of_model)),
        settings(std::move(initial)),
        stream(model->model, options, make_parameters(settings.settings)) {}

  std::shared_ptr<streamdiffusion::capi::SharedModel> model;
  streamdiffusion::capi::StreamSettings settings;
  streamdiffusion::Stream stream;
  // Frames of the current call. They are members so that later calls reuse their memory.
  std::vector<streamdiffusion::InputFrame> in;
  std::vector<streamdiffusion::OutputFrame> out;
};
