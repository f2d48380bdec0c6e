#include <memory>

#include "cli/checks.h"
#include "cli/commands.h"
#include "cli/common_options.h"
#include "cli/description.h"
#include "cli/progress.h"
#include "cli/settings.h"
#include "posix/signals.h"
#include "streamdiffusion/media.h"
#include "streamdiffusion/pipeline.h"
#include "streamdiffusion/stream.h"

namespace streamdiffusion::cli {
namespace {

struct Options : CommonOptions {
  std::string input;
  std::string output;
  bool live = false;
  std::string input_format;
  std::string input_size;  ///< WIDTHxHEIGHT
  std::string input_pixel_format = "rgb24";
  double input_rate = 0;
  std::string output_format;
  std::string codec;
  int quality = -1;
};

SourceOptions source_options(const Options& options) {
  SourceOptions source;
  source.input = options.input;
  source.format = options.input_format;
  source.pixel_format = options.input_pixel_format;
  source.frame_rate = options.input_rate;
  if (!options.input_size.empty()) {
    const Size size = parse_size(options.input_size);
    source.width = size.width;
    source.height = size.height;
  }
  return source;
}

SinkOptions sink_options(const Options& options, const SourceInfo& source, Size size) {
  SinkOptions sink;
  sink.output = options.output;
  sink.width = size.width;
  sink.height = size.height;
  sink.frame_rate = source.frame_rate;
  sink.variable_frame_rate = source.variable_frame_rate || options.live;
  if (source.has_audio && options.input != "-") {
    sink.audio_from = options.input;
  }
  sink.format = options.output_format;
  sink.codec = options.codec;
  sink.quality = options.quality;
  return sink;
}

std::string summary(const Options& options, const PipelineStatistics& statistics, Size size) {
  std::string text = options.output == "-" ? "standard output" : options.output;
  text += ": " + std::to_string(statistics.frames_out) + " frames, " + std::to_string(size.width) + "x" +
          std::to_string(size.height) + ", " + clock_text(statistics.elapsed_seconds) + ", " +
          rate_text(static_cast<double>(statistics.frames_out) / statistics.elapsed_seconds) + " fps";
  const auto add = [&](std::int64_t count, const char* what) {
    if (count > 0) {
      text += ", " + std::to_string(count) + what;
    }
  };
  add(statistics.skipped, " skipped");
  add(statistics.dropped, " dropped");
  add(statistics.reused, " reused");
  return text;
}

int run(const CLI::App& app, Options& options) {
  require(app, "--input", "INPUT");
  require(app, "--output", "OUTPUT");
  require(app, "--prompt", "--prompt TEXT");
  const Console console(options.quiet);
  draw_seed(options, console);
  const Parameters parameters = make_parameters(make_settings(options, console));
  const std::unique_ptr<Source> source = open_source(source_options(options));
  const SourceInfo& info = source->info();
  const std::shared_ptr<Model> model = load_model(options, console);
  const Size size = choose_size(options, model->info(), Size{info.width, info.height});
  Stream stream(model,
                {.width = size.width,
                 .height = size.height,
                 .frame_buffer_size = options.frame_buffer,
                 .use_denoising_batch = !options.no_denoising_batch},
                parameters);
  SinkOptions output = sink_options(options, info, size);
  output.metadata = describe(options, parameters, model->info(), size);
  const std::unique_ptr<Sink> sink = open_sink(output);

  const posix::StopSignals signals;
  PipelineStatistics statistics;
  {
    Progress progress(info.frames, options.quiet);
    statistics = run_pipeline(*source, stream, *sink, {.live = options.live, .fit = parse_fit(options.fit)},
                              signals.stop(),
                              [&](const PipelineStatistics& now) { progress.show(now.frames_out, now.fps); });
  }
  console.info(summary(options, statistics, size));
  if (signals.stop()) {
    console.info("stopped early: the output is complete up to there");
    return 128 + signals.signal();
  }
  return 0;
}

void add_stream_ends(CLI::App& app, Options& options) {
  app.add_option("INPUT,--input", options.input,
                 "video, picture or folder of pictures; - reads standard input")
      ->type_name("INPUT")
      ->take_last();
  app.add_option("OUTPUT,-o,--output", options.output,
                 "video, folder (out/) or pattern (out/%05d.png) of pictures; - writes to standard output")
      ->type_name("OUTPUT")
      ->take_last();
  app.add_option("--prompt", options.prompt, "what to draw")->type_name("TEXT")->take_last();
  app.add_flag(
         "--live", options.live,
         "as from a camera: the newest frame wins, older ones are dropped; without it every frame is redrawn")
      ->take_last();
}

void add_formats(CLI::App& app, Options& options) {
  app.option_defaults()->take_last()->group("Formats");
  app.add_option("--input-format", options.input_format,
                 "FFmpeg's name of the input's format: rawvideo, yuv4mpegpipe, v4l2, ...")
      ->type_name("NAME")
      ->default_str("found out");
  app.add_option("--input-size", options.input_size, "of raw video")->type_name("WxH")->default_str("none");
  app.add_option("--input-pixel-format", options.input_pixel_format, "of raw video, FFmpeg's name")
      ->type_name("NAME")
      ->capture_default_str();
  app.add_option("--input-rate", options.input_rate, "frames a second of raw video and folders of pictures")
      ->type_name("FPS")
      ->check(in_range(0.001, 10000.0))
      ->default_str("25");
  app.add_option("--output-format", options.output_format,
                 "FFmpeg's name of the output's format: rawvideo, yuv4mpegpipe, matroska, ...")
      ->type_name("NAME")
      ->default_str("by the extension; - writes matroska");
  app.add_option("--codec", options.codec, "FFmpeg's encoder: libx264, ffv1, ...")
      ->type_name("NAME")
      ->default_str("the format's usual one");
  app.add_option("--quality", options.quality, "of the output, 0 (worst) to 100")
      ->type_name("N")
      ->check(in_range(0, 100))
      ->default_str("a good one");
}

}  // namespace

Command add_run(CLI::App& program) {
  const auto options = std::make_shared<Options>();
  CLI::App* const app = program.add_subcommand("run", "Redraw a video after a prompt");
  add_stream_ends(*app, *options);
  add_formats(*app, *options);
  add_common_options(*app, *options);
  app->footer(
      "Frame rate and audio of the input are kept. Ctrl-C finishes the file; a second one ends the program "
      "at once.\n\n"
      "Examples:\n"
      "  streamdiffusion run in.mp4 out.mp4 --prompt \"panda on a pink background\"\n"
      "  streamdiffusion run frames/ out/%05d.png --prompt \"cat face\" --strength 0.7\n"
      "  ffmpeg -i in.mp4 -f yuv4mpegpipe - | streamdiffusion run - - --prompt \"cat face\" | ffplay -");
  return {app, [app, options] { return run(*app, *options); }};
}

}  // namespace streamdiffusion::cli
