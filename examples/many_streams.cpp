// Redraws a video once for each prompt, to OUTPUT_FOLDER/1.mp4 and so on. The streams share the model and its
// calls: many_streams MODEL_FOLDER INPUT OUTPUT_FOLDER PROMPT...
#include <cstddef>
#include <exception>
#include <filesystem>
#include <iostream>
#include <memory>
#include <streamdiffusion.hpp>
#include <string>
#include <vector>

namespace sd = streamdiffusion;

int main(int argc, char** argv) try {
  if (argc < 5) {
    std::cerr << "usage: many_streams MODEL_FOLDER INPUT OUTPUT_FOLDER PROMPT...\n";
    return 2;
  }
  const std::vector<std::string> prompts(argv + 4, argv + argc);
  const std::filesystem::path folder = argv[3];
  std::filesystem::create_directories(folder);
  const auto source = sd::open_source({.input = argv[2]});
  const auto model = sd::Model::load({.path = argv[1]});
  const int size = model->info().native_size;

  std::vector<sd::Stream> streams;
  std::vector<std::unique_ptr<sd::Sink>> sinks;
  for (const std::string& prompt : prompts) {
    sd::Parameters parameters;
    parameters.prompt = prompt;
    parameters.t_index_list = sd::t_index_list_for(0.5F, 1);  // with one step, each frame comes out at once
    streams.emplace_back(model, sd::StreamOptions{.width = size, .height = size}, parameters);
    sd::SinkOptions to{.output = folder / (std::to_string(streams.size()) + ".mp4")};
    to.width = size;
    to.height = size;
    to.frame_rate = source->info().frame_rate;
    to.variable_frame_rate = true;
    sinks.push_back(sd::open_sink(to));
  }

  sd::Frame read;
  sd::Frame fitted;
  fitted.resize(size, size);
  std::vector<sd::Frame> results(prompts.size(), fitted);
  while (source->read(read)) {
    sd::fit_frame(read, sd::Fit::crop, fitted);
    const sd::InputFrame in = fitted;
    std::vector<sd::OutputFrame> outs(results.size());
    std::vector<sd::StreamStep> steps(results.size());
    for (std::size_t i = 0; i < steps.size(); ++i) {
      outs[i] = results[i].view();
      steps[i] = {.stream = &streams[i], .in = {&in, 1}, .out = {&outs[i], 1}};
    }
    sd::step_streams(steps);
    for (std::size_t i = 0; i < steps.size(); ++i) {
      results[i].time = outs[i].time;
      sinks[i]->write(results[i]);
    }
  }
  for (const auto& sink : sinks) {
    sink->finish();
  }
  return 0;
} catch (const std::exception& error) {  // sd::Error, or the file system's
  std::cerr << error.what() << "\n";
  return 1;
}
