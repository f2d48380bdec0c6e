// Redraws a camera in a window until the window is closed: camera_to_window MODEL_FOLDER PROMPT [INPUT
// [OUTPUT]] INPUT and OUTPUT may also be files or addresses, as SourceOptions and SinkOptions describe.
#include <atomic>
#include <iostream>
#include <streamdiffusion.hpp>
#include <string>

namespace sd = streamdiffusion;

namespace {

sd::Stream make_stream(const char* folder, const char* prompt) {
  const auto model = sd::Model::load({.path = folder});
  const int size = model->info().native_size;
  sd::Parameters parameters;
  parameters.prompt = prompt;
  parameters.t_index_list = sd::t_index_list_for(0.6F, 2);  // strength 0.6, 2 steps
  return {model, {.width = size, .height = size}, parameters};
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc < 3 || argc > 5) {
    std::cerr << "usage: camera_to_window MODEL_FOLDER PROMPT [INPUT [OUTPUT]]\n";
    return 2;
  }
  sd::Stream stream = make_stream(argv[1], argv[2]);
  std::atomic<bool> stop = false;

  sd::SourceOptions from{.input = argc > 3 ? argv[3] : "/dev/video0", .stop = &stop};
  from.live = sd::is_live(from);
  const auto source = sd::open_source(from);

  sd::SinkOptions to{.output = argc > 4 ? argv[4] : "window"};
  to.width = stream.options().width;
  to.height = stream.options().height;
  to.frame_rate = source->info().frame_rate;
  to.variable_frame_rate = true;
  to.on_close = [&] { stop = true; };
  const auto sink = sd::open_sink(to);

  sd::run_pipeline(*source, stream, *sink, {.live = from.live}, stop, [](const sd::PipelineStatistics& done) {
    std::cerr << "\r" << done.frames_out << " frames, " << static_cast<int>(done.fps) << " a second ";
  });
  std::cerr << "\n";
  return 0;
} catch (const sd::Error& error) {
  std::cerr << error.what() << "\n";
  return 1;
}
