#include <chrono>
#include <cmath>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <system_error>

#include "cli/checks.h"
#include "cli/commands.h"
#include "cli/common_options.h"
#include "cli/description.h"
#include "cli/live_control.h"
#include "cli/option_helpers.h"
#include "cli/progress.h"
#include "cli/settings.h"
#include "posix/signals.h"
#include "streamdiffusion/media.h"
#include "streamdiffusion/pipeline.h"
#include "streamdiffusion/stream.h"

namespace streamdiffusion::cli {
namespace {

struct RunOptions : CommonOptions {
  std::string input;
  std::string output;
  bool live = false;
  std::string input_format;
  std::string input_size;  ///< WIDTHxHEIGHT.
  std::string input_pixel_format = "rgb24";
  double input_rate = 0;
  std::string output_format;
  std::string codec;
  int quality = -1;
  bool no_audio = false;
  bool strict = false;
  std::string watch;
  double patience = 5;
  std::vector<std::string> input_options;   ///< KEY=VALUE for FFmpeg.
  std::vector<std::string> output_options;  ///< KEY=VALUE for FFmpeg.
};

/// Splits texts such as "preset=fast" into FFmpeg's options. `option` names the command-line option in
/// errors.
std::map<std::string, std::string> ffmpeg_options(const std::string& option,
                                                  const std::vector<std::string>& texts) {
  std::map<std::string, std::string> options;
  for (const std::string& text : texts) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0) {
      throw UsageError(option + " \"" + text + "\" is not of the form KEY=VALUE");
    }
    options[text.substr(0, equals)] = text.substr(equals + 1);
  }
  return options;
}

SourceOptions source_options(const RunOptions& options, const Console& console) {
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
  source.ffmpeg_options = ffmpeg_options("--input-option", options.input_options);
  source.patience = std::chrono::milliseconds(std::llround(options.patience * 1000));
  source.strict = options.strict;
  source.stop = &posix::stop_flag();
  source.on_warning = [console](const std::string& text) { console.warning(text); };
  return source;
}

/// The sink's options that are known before the source is open.
SinkOptions sink_options(const RunOptions& options, const Console& console) {
  SinkOptions sink;
  sink.output = options.output;
  sink.format = options.output_format;
  sink.codec = options.codec;
  sink.quality = options.quality;
  sink.ffmpeg_options = ffmpeg_options("--output-option", options.output_options);
  sink.strict = options.strict;
  sink.on_warning = [console](const std::string& text) { console.warning(text); };
  sink.on_close = posix::request_stop;
  return sink;
}

/// Adds the options that depend on the source and the chosen size.
void complete(SinkOptions& sink, const RunOptions& options, const SourceInfo& source, Size size) {
  sink.width = size.width;
  sink.height = size.height;
  sink.frame_rate = source.frame_rate;
  sink.plays = source.plays;
  sink.variable_frame_rate = true;  // Evenly spaced frames stay exactly even.
  sink.low_latency = options.live && options.output == "-";
  if (source.has_audio && !options.no_audio) sink.audio_from = options.input;
}

std::string summary(const RunOptions& options, const PipelineStatistics& statistics, Size size) {
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

void require_all(const CLI::App& app, const RunOptions& options) {
  require(app, "--input", "INPUT");
  require(app, "--output", "OUTPUT");
  if (options.watch.empty()) {
    require(app, "--prompt", "--prompt TEXT");
  } else if (!options.live) {
    throw UsageError("--watch is for live streams and takes --live");
  }
}

/// Throws UsageError if the output is the input, which writing would destroy. A device may be both.
void require_another_output(const RunOptions& options) {
  std::error_code ignored;
  if (std::filesystem::equivalent(options.input, options.output, ignored) &&
      !std::filesystem::is_character_file(options.input, ignored)) {
    throw UsageError("OUTPUT is INPUT, " + options.input + ", which would be lost; give it another name");
  }
}

/// The options of a run that are known before anything is opened or loaded.
struct RunPlan {
  SourceOptions input;
  SinkOptions output;
  Settings settings;
};

/// Plans a run and chooses whether it is live. Throws UsageError or Error for options that contradict each
/// other.
RunPlan plan_run(const CLI::App& app, RunOptions& options, const Console& console) {
  RunPlan plan{source_options(options, console), sink_options(options, console), {}};
  options.live = options.live || is_live(plan.input) || is_live(plan.output);
  plan.input.live = options.live;
  require_all(app, options);
  require_another_output(options);
  draw_seeds(options, console);
  plan.settings = make_settings(options, console);
  if (!options.live) {
    warn_of_transitions_without_effect(options, console);
  }
  static_cast<void>(make_parameters(plan.settings));  // Throws for contradictory settings.
  return plan;
}

/// Redraws frames until the source ends or `stop` is set. A live stream is changed by `control`.
PipelineStatistics redraw(Source& source, Stream& stream, Sink& sink, const RunOptions& options,
                          std::optional<LiveControl>& control, const std::atomic<bool>& stop) {
  PipelineOptions pipeline{.live = options.live, .fit = parse_fit(options.fit)};
  if (control) {
    pipeline.before_step = [&] { control->change(stream); };
  }
  Progress progress(source.info().frames, options.quiet);
  return run_pipeline(source, stream, sink, pipeline, stop, [&](const PipelineStatistics& now) {
    if (control) {
      control->poll();
    }
    progress.show(now.frames_out, now.fps, control ? control->typed() : std::nullopt);
  });
}

int run(const CLI::App& app, RunOptions& options) {
  const Console console(options.quiet);
  RunPlan plan = plan_run(app, options, console);
  const std::unique_ptr<Source> source = open_source(plan.input);
  const SourceInfo& info = source->info();
  const std::shared_ptr<Model> model = load_model(options, console);
  const Size size = choose_size(options, model->info(), Size{info.width, info.height});

  std::optional<LiveControl> control;
  if (options.live) {
    plan.settings.parameters.lora_scales = model->info().loras;
    control.emplace(plan.settings, LiveControl::Inputs{.lines = options.input != "-", .file = options.watch},
                    console);
    plan.settings = control->settings();
  }
  const Parameters parameters = make_parameters(plan.settings);
  Stream stream(model,
                {.width = size.width,
                 .height = size.height,
                 .frame_buffer_size = options.frame_buffer,
                 .use_denoising_batch = !options.no_denoising_batch},
                parameters);
  const posix::StopSignals signals;
  complete(plan.output, options, info, size);
  plan.output.metadata = describe(options, parameters, model->info(), size);
  const std::unique_ptr<Sink> sink = open_sink(plan.output);

  const PipelineStatistics statistics = redraw(*source, stream, *sink, options, control, signals.stop());
  control.reset();  // Restores the terminal.
  console.info(summary(options, statistics, size));
  if (signals.signal() != 0) {
    console.info("stopped early: the output is complete up to there");
    return 128 + signals.signal();
  }
  return 0;
}

void add_stream_ends(CLI::App& app, RunOptions& options) {
  app.add_option(
         "INPUT,--input", options.input,
         "video, image or folder of images; - reads standard input; live: a camera (/dev/video0), the "
         "screen (screen, screen:640x480+100+50, :0.0) or an address (rtsp://, rtmp://, srt://, udp://)")
      ->type_name("INPUT")
      ->take_last();
  app.add_option(
         "OUTPUT,-o,--output", options.output,
         "video, folder (out/) or pattern (out/%05d.png) of images; - writes to standard output; live: "
         "window, a virtual camera (/dev/video10) or an address (rtmp://, srt://, udp://)")
      ->type_name("OUTPUT")
      ->take_last();
  add_prompts(app, options, "--prompt");
  app.add_flag(
         "--live", options.live,
         "treat the input as a camera: redraw the newest frame and drop older ones, and read typed lines as "
         "new prompts (/help lists more). Cameras, screens, addresses and windows are always live. Without "
         "this option every frame is redrawn")
      ->take_last();
  add_option(app, "--watch", options.watch, "FILE.json",
             "live: JSON file with settings ({\"prompt\": \"cat\", \"strength\": 0.5}), which are "
             "applied whenever "
             "the file is written; it may hold the prompt")
      ->default_str("none")
      ->take_last();
  add_option(app, "--patience", options.patience, "SECONDS",
             "live: time without a frame after which the input is reopened")
      ->check(in_range(0.1, 3600.0))
      ->take_last();
}

void add_formats(CLI::App& app, RunOptions& options) {
  app.option_defaults()->take_last()->group("Formats");
  add_option(app, "--input-format", options.input_format, "NAME",
             "FFmpeg's name of the input's format: rawvideo, yuv4mpegpipe, v4l2, ...")
      ->default_str("detected");
  add_option(app, "--input-size", options.input_size, "WxH",
             "frame size of raw video, or the size to request from a camera")
      ->default_str("none");
  add_option(app, "--input-pixel-format", options.input_pixel_format, "NAME",
             "pixel format of raw video, by FFmpeg's name");
  add_option(app, "--input-rate", options.input_rate, "FPS",
             "frames per second of raw video and folders of images, or to request from a camera or screen")
      ->check(in_range(0.001, 10000.0))
      ->default_str("25");
  add_option(app, "--output-format", options.output_format, "NAME",
             "FFmpeg's name of the output's format: rawvideo, yuv4mpegpipe, matroska, ...")
      ->default_str("by the extension or address; - writes matroska");
  add_option(app, "--codec", options.codec, "NAME", "FFmpeg's encoder: libx264, ffv1, ...")
      ->default_str("the format's usual one");
  add_repeatable_option(
      app, "--input-option", options.input_options, "KEY=VALUE",
      "option of FFmpeg's input format, device or protocol: rtsp_transport=tcp; may be given several times");
  add_repeatable_option(
      app, "--output-option", options.output_options, "KEY=VALUE",
      "option of FFmpeg's encoder, output format or protocol: preset=slow; may be given several times");
  add_option(app, "--quality", options.quality, "N", "quality of the output, 0 (worst) to 100")
      ->check(in_range(0, 100))
      ->default_str("chosen by the encoder");
  app.add_flag("--no-audio", options.no_audio, "do not write the input's sound");
  app.add_flag(
      "--strict", options.strict,
      "stop with an error instead of a warning if the input is damaged, incomplete or unusual, or if its "
      "sound cannot be written");
}

}  // namespace

Command add_run(CLI::App& program) {
  const auto options = std::make_shared<RunOptions>();
  CLI::App* const app = program.add_subcommand("run", "Redraw a video according to a prompt");
  add_stream_ends(*app, *options);
  add_formats(*app, *options);
  add_common_options(*app, *options);
  app->footer(
      "A file's frame times and audio are kept; where the output has one frame rate (.avi, .mpg, .y4m), "
      "frames are\nrepeated or left out. Ctrl-C finishes the output; a second one ends the program at "
      "once.\n\n"
      "Examples:\n"
      "  streamdiffusion run in.mp4 out.mp4 --prompt \"panda on a pink background\"\n"
      "  streamdiffusion run frames/ out/%05d.png --prompt \"cat face\" --strength 0.7\n"
      "  streamdiffusion run /dev/video0 window --prompt \"cat face\"\n"
      "  streamdiffusion run screen:640x480+0+0 rtmp://host/live/key --prompt \"cat face\" --watch "
      "look.json\n"
      "  ffmpeg -i in.mp4 -f yuv4mpegpipe - | streamdiffusion run - - --prompt \"cat face\" | ffplay -");
  return {app, [app, options] { return run(*app, *options); }};
}

}  // namespace streamdiffusion::cli
