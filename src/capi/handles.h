#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "control/lora_settings.h"
#include "streamdiffusion.h"
#include "streamdiffusion/stream.h"

// The types behind the C interface's handles.

struct sd_model {
  std::shared_ptr<streamdiffusion::ModelWithLoras> shared;
};

struct sd_stream {
  sd_stream(std::shared_ptr<streamdiffusion::ModelWithLoras> of_model,
            const streamdiffusion::StreamOptions& options, streamdiffusion::SettingsWithLoras initial)
      : model(std::move(of_model)),
        settings(std::move(initial)),
        stream(model->model, options, make_parameters(settings.settings)) {}

  std::shared_ptr<streamdiffusion::ModelWithLoras> model;
  streamdiffusion::SettingsWithLoras settings;
  streamdiffusion::Stream stream;
  // Frames of the current call. They are members so that later calls reuse their memory.
  std::vector<streamdiffusion::InputFrame> in;
  std::vector<streamdiffusion::OutputFrame> out;
};
