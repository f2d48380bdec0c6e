#include <algorithm>
#include <chrono>
#include <memory>
#include <numeric>
#include <vector>

#include "cli/checks.h"
#include "cli/commands.h"
#include "cli/common_options.h"
#include "cli/description.h"
#include "cli/image_output.h"
#include "cli/option_helpers.h"
#include "cli/progress.h"
#include "cli/settings.h"
#include "posix/signals.h"
#include "streamdiffusion/frame_stream.h"
#include "streamdiffusion/stream.h"

namespace streamdiffusion::cli {
namespace {

struct Txt2ImgOptions : CommonOptions {
  Txt2ImgOptions() {
    settings.strength = 1;
    settings.steps = 4;
    settings.parameters.cfg_type = CfgType::full;
  }
  std::string output;
  std::int64_t count = 1;
  int batch = 1;
};

int txt2img(const CLI::App& app, Txt2ImgOptions& options) {
  using Clock = std::chrono::steady_clock;
  require(app, "--prompt", "PROMPT");
  require(app, "--output", "--output FILE");
  if (options.output == "-" && options.count > 1) {
    throw UsageError("standard output takes one image: leave --count out");
  }
  check_image_output(options.output);
  const Console console(options.quiet);
  draw_seeds(options, console);
  warn_of_transitions_without_effect(options, console);
  const Parameters parameters = make_parameters(make_settings(options, console));
  const std::shared_ptr<Model> model = load_model(options, console);
  const Size size = choose_size(options, model->info(), std::nullopt);
  Stream stream(model, {.width = size.width, .height = size.height, .use_denoising_batch = false},
                parameters);

  const posix::StopSignals signals;
  const Clock::time_point start = Clock::now();
  std::int64_t done = 0;
  {
    Progress progress(options.count, options.quiet);
    FrameStream frames(stream);
    std::vector<Frame> images;
    while (done < options.count && !signals.stop()) {
      std::vector<std::uint32_t> variations(
          static_cast<std::size_t>(std::min<std::int64_t>(options.batch, options.count - done)));
      std::iota(variations.begin(), variations.end(), static_cast<std::uint32_t>(done));
      frames.generate_images(variations, images);
      for (const Frame& image : images) {
        write_image_output(numbered_name(options.output, done, options.count), image,
                           describe(options, variation_of(parameters, static_cast<std::uint32_t>(done)),
                                    model->info(), size));
        ++done;
      }
      const std::chrono::duration<double> elapsed = Clock::now() - start;
      progress.show(done, static_cast<double>(done) / elapsed.count());
    }
  }
  const std::chrono::duration<double> elapsed = Clock::now() - start;
  const std::string last =
      options.count > 1
          ? " to " + numbered_name(options.output, std::max<std::int64_t>(done - 1, 0), options.count)
          : "";
  if (done > 0) {
    console.info(numbered_name(options.output, 0, options.count) + last + ": " + std::to_string(size.width) +
                 "x" + std::to_string(size.height) + ", " + rate_text(elapsed.count()) + " s");
  }
  return signals.stop() && done < options.count ? 128 + signals.signal() : 0;
}

}  // namespace

Command add_txt2img(CLI::App& program) {
  const auto options = std::make_shared<Txt2ImgOptions>();
  CLI::App* const app = program.add_subcommand("txt2img", "Generate images from a prompt");
  add_prompts(*app, *options, "PROMPT,--prompt");
  add_image_output(*app, options->output);
  add_option(
      *app, "--count", options->count, "N",
      "images to generate, numbered (out-1.png, out-2.png, ...), each with the seed after the last one's")
      ->check(in_range(1, 1'000'000))
      ->take_last();
  add_option(*app, "--batch", options->batch, "N", "images to compute in one batch")
      ->check(in_range(1, 1024))
      ->take_last();
  add_common_options(*app, *options);
  app->footer(
      "Examples:\n"
      "  streamdiffusion txt2img \"penguin on a light blue background\" --output penguin.png\n"
      "  streamdiffusion txt2img \"red apple\" --output apple.png --count 8 --batch 4 --seed -1");
  return {app, [app, options] { return txt2img(*app, *options); }};
}

}  // namespace streamdiffusion::cli
