// Redraws images to OUTPUT_FOLDER/1.png and so on, with a LoRA whose scale rises from 0 at the first image to
// 1 at the last: redraw_images MODEL_FOLDER LORA_FILE PROMPT OUTPUT_FOLDER INPUT...
#include <exception>
#include <filesystem>
#include <iostream>
#include <streamdiffusion.hpp>
#include <string>

namespace sd = streamdiffusion;

int main(int argc, char** argv) try {
  if (argc < 6) {
    std::cerr << "usage: redraw_images MODEL_FOLDER LORA_FILE PROMPT OUTPUT_FOLDER INPUT...\n";
    return 2;
  }
  const int first = 5;
  const std::filesystem::path folder = argv[4];
  std::filesystem::create_directories(folder);

  const auto model = sd::Model::load({.path = argv[1]});
  const std::string lora = model->add_lora({.file = argv[2]});
  const int size = model->info().native_size;

  sd::Parameters parameters;
  parameters.prompt = argv[3];
  parameters.t_index_list = sd::t_index_list_for(0.7F, 4);  // strength 0.7, 4 steps
  parameters.lora_scales = {{.name = lora, .scale = 0}};
  sd::Stream stream(model, {.width = size, .height = size}, parameters);
  sd::FrameStream frames(stream);

  sd::Frame input;
  input.resize(size, size);
  for (int i = first; i < argc; ++i) {
    parameters.lora_scales[0].scale =
        argc - first > 1 ? static_cast<float>(i - first) / static_cast<float>(argc - first - 1) : 1.0F;
    stream.set_parameters(parameters);  // repacks only the layers that the LoRA changes

    sd::fit_frame(sd::read_image(argv[i]), sd::Fit::crop, input);
    sd::write_image(folder / (std::to_string(i - first + 1) + ".png"), frames.generate_image(input));
  }
  return 0;
} catch (const std::exception& error) {  // sd::Error, or the file system's
  std::cerr << error.what() << "\n";
  return 1;
}
