// Redraws an image according to a prompt: redraw_image MODEL_FOLDER INPUT PROMPT OUTPUT
#include <streamdiffusion/error.h>
#include <streamdiffusion/frame_stream.h>
#include <streamdiffusion/media.h>
#include <streamdiffusion/model.h>
#include <streamdiffusion/stream.h>

#include <iostream>

namespace sd = streamdiffusion;

int main(int argc, char** argv) try {
  if (argc != 5) {
    std::cerr << "usage: redraw_image MODEL_FOLDER INPUT PROMPT OUTPUT\n";
    return 2;
  }
  sd::ModelOptions options;
  options.path = argv[1];
  const auto model = sd::Model::load(options);
  const int size = model->info().native_size;

  sd::Parameters parameters;
  parameters.prompt = argv[3];
  parameters.t_index_list = sd::t_index_list_for(0.7F, 4);  // strength 0.7, 4 steps
  sd::Stream stream(model, {.width = size, .height = size}, parameters);

  sd::Frame input;
  input.resize(size, size);
  sd::fit_frame(sd::read_image(argv[2]), sd::Fit::crop, input);
  sd::write_image(argv[4], sd::FrameStream(stream).generate_image(input));
  return 0;
} catch (const sd::Error& error) {
  std::cerr << error.what() << "\n";
  return 1;
}
