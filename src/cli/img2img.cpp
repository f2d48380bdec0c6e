#include <chrono>
#include <memory>

#include "cli/commands.h"
#include "cli/common_options.h"
#include "cli/description.h"
#include "cli/image_output.h"
#include "cli/progress.h"
#include "cli/settings.h"
#include "streamdiffusion/frame_stream.h"
#include "streamdiffusion/media.h"
#include "streamdiffusion/stream.h"

namespace streamdiffusion::cli {
namespace {

struct Img2ImgOptions : CommonOptions {
  Img2ImgOptions() { settings.steps = 4; }
  std::string input;
  std::string output;
};

bool is_video(const std::string& input) {
  try {
    open_source({.input = input});
    return true;
  } catch (const Error&) {
    return false;
  }
}

Frame read_input_image(const std::string& input, const Console& console) {
  const auto on_warning = [&console](const std::string& text) { console.warning(text); };
  if (input != "-") {
    try {
      return read_image(input, on_warning);
    } catch (const Error& error) {
      if (!is_video(input)) throw;
      throw Error(std::string(error.what()) + "; `streamdiffusion run` reads videos");
    }
  }
  SourceOptions source;
  source.input = input;
  source.on_warning = on_warning;
  Frame frame;
  if (!open_source(source)->read(frame)) {
    throw Error("standard input holds no image");
  }
  return frame;
}

int img2img(const CLI::App& app, Img2ImgOptions& options) {
  using Clock = std::chrono::steady_clock;
  require(app, "--input", "INPUT");
  require(app, "--prompt", "PROMPT");
  require(app, "--output", "--output FILE");
  check_image_output(options.output);
  const Console console(options.quiet);
  draw_seeds(options, console);
  warn_of_transitions_without_effect(options, console);
  const Parameters parameters = make_parameters(make_settings(options, console));
  const Frame input = read_input_image(options.input, console);
  const std::shared_ptr<Model> model = load_model(options, console);
  const Size size = choose_size(options, model->info(), Size{input.width, input.height});
  Frame fitted;
  fitted.resize(size.width, size.height);
  fit_frame(input, parse_fit(options.fit), fitted);
  Stream stream(model, {.width = size.width, .height = size.height}, parameters);

  const Clock::time_point start = Clock::now();
  const Frame image = FrameStream(stream).generate_image(fitted);
  const std::chrono::duration<double> elapsed = Clock::now() - start;
  write_image_output(options.output, image, describe(options, parameters, model->info(), size));
  console.info(options.output + ": " + std::to_string(size.width) + "x" + std::to_string(size.height) + ", " +
               rate_text(elapsed.count()) + " s");
  return 0;
}

}  // namespace

Command add_img2img(CLI::App& program) {
  const auto options = std::make_shared<Img2ImgOptions>();
  CLI::App* const app = program.add_subcommand("img2img", "Redraw an image according to a prompt");
  app->add_option("INPUT,--input", options->input,
                  "image to redraw (PNG, JPEG, WebP, ...); - reads standard input")
      ->type_name("FILE")
      ->take_last();
  add_prompts(*app, *options, "PROMPT,--prompt");
  add_image_output(*app, options->output);
  add_common_options(*app, *options);
  app->footer(
      "Examples:\n"
      "  streamdiffusion img2img photo.jpg \"cat face\" --output cat.png\n"
      "  streamdiffusion img2img sketch.png \"red apple\" --output apple.png --strength 0.8 --steps 4");
  return {app, [app, options] { return img2img(*app, *options); }};
}

}  // namespace streamdiffusion::cli
