#pragma once

#include <memory>
#include <vector>

#include "settings/settings.h"
#include "streamdiffusion.h"
#include "streamdiffusion/stream.h"

// The types behind the C interface's handles.

struct sd_model {
  std::shared_ptr<streamdiffusion::Model> model;
};

struct sd_stream {
  sd_stream(std::shared_ptr<streamdiffusion::Model> of_model, const streamdiffusion::StreamOptions& options,
            const streamdiffusion::Settings& initial)
      : model(std::move(of_model)), settings(initial), stream(model, options, make_parameters(initial)) {}

  std::shared_ptr<streamdiffusion::Model> model;
  streamdiffusion::Settings settings;
  streamdiffusion::Stream stream;
  // Frames of the current call. They are members so that later calls reuse their memory.
  std::vector<streamdiffusion::InputFrame> in;
  std::vector<streamdiffusion::OutputFrame> out;
};
