#include "cli/common_options.h"

#include "cli/checks.h"
#include "cli/option_helpers.h"
#include "cli/setting_options.h"
#include "settings/stream_limits.h"
#include "streamdiffusion/media.h"

namespace streamdiffusion::cli {
namespace {

void add_size(CLI::App& app, CommonOptions& options, const std::string& width_by_default,
              const std::string& height_by_default) {
  add_option(app, "--width", options.width, "PIXELS", "width, a multiple of 8")
      ->check(in_range(kSideRange))
      ->default_str(width_by_default);
  add_option(app, "--height", options.height, "PIXELS", "height, a multiple of 8")
      ->check(in_range(kSideRange))
      ->default_str(height_by_default);
}

void add_image_options(CLI::App& app, CommonOptions& options) {
  app.option_defaults()->group("Image");
  add_setting_options(app, SettingGroup::image, options.settings);
  const std::string neither = " and the input's aspect; neither given: the model's native short side";
  add_size(app, options, "by the height" + neither, "by the width" + neither);
  add_option(app, "--fit", options.fit, "crop|pad|stretch",
             "how an input of another aspect is brought into the size")
      ->check(one_of({kFitNames.begin(), kFitNames.end()}));
  add_repeatable_option(
      app, "--seed", options.seeds, "N",
      help_of("seed") +
          " and prints it; given several times, each N:WEIGHT, their noise is blended on the sphere")
      ->check(seed())
      ->default_str(options.seeds.front());
}

void add_blending(CLI::App& app, CommonOptions& options) {
  app.option_defaults()->group("Blending (transitions: live streams whose prompt or seed changes)");
  add_setting_options(app, SettingGroup::blending, options.settings);
}

void add_denoising(CLI::App& app, CommonOptions& options) {
  app.option_defaults()->group("Denoising");
  add_setting_options(app, SettingGroup::denoising, options.settings);
  add_option(app, "--t-index-list", options.t_index_list, "I,J,..", help_of("t_index_list"))
      ->default_str("by --strength and --steps")
      ->excludes(app.get_option("--strength"))
      ->excludes(app.get_option("--steps"));
}

void add_guidance(CLI::App& app, CommonOptions& options) {
  app.option_defaults()->group("Guidance");
  add_setting_options(app, SettingGroup::guidance, options.settings);
}

void add_stream(CLI::App& app, CommonOptions& options) {
  app.option_defaults()->group("Stream (video; no effect on a single image)");
  add_option(app, "--frame-buffer", options.frame_buffer, "N", "frames that go through each step together")
      ->check(in_range(kFrameBufferRange));
  app.add_flag("--no-denoising-batch", options.no_denoising_batch,
               "the steps of a frame one after the other instead of the paper's stream batch");
  add_setting_options(app, SettingGroup::stream, options.settings);
}

}  // namespace

void add_model_options(CLI::App& app, CommonOptions& options) {
  app.option_defaults()->group("Model");
  add_option(
      app, "--preset", options.preset, "NAME",
      "a well-known model with settings tuned for it (streamdiffusion models list shows them); other options "
      "override these settings")
      ->default_str("none");
  add_option(
      app, "--model", options.model, "MODEL",
      "Hugging Face diffusers folder (the one with model_index.json, or as a .dduf file), a checkpoint of "
      "Stable Diffusion 1.x or 2.x in one .safetensors file, or a name on the hub, OWNER/NAME[@REVISION], "
      "which is downloaded if it is not in the cache")
      ->default_str("the default model that comes with the program");
  add_option(
      app, "--vae", options.vae, "VAE",
      "autoencoder to use instead of the model's own: a folder, file or name on the hub; full: the model's "
      "own")
      ->default_str("TAESD for models from the hub and if it is in the cache, else the model's own");
  add_repeatable_option(
      app, "--lora", options.loras, "LORA:SCALE",
      "LoRA (.safetensors, or OWNER/NAME[/FILE.safetensors] on the hub) and its scale, which is 1 if left "
      "out; may be given several times");
  add_option(app, "--lora-dir", options.lora_folder, "FOLDER",
             "folder whose LoRAs, also those of subfolders, prompts may name: <lora:NAME:0.8> loads "
             "NAME.safetensors")
      ->default_str("none");
  add_repeatable_option(
      app, "--embedding", options.embeddings, "FILE:WORD",
      "textual inversion (.safetensors) and the word that stands for it in prompts, by default the one in "
      "the file or the file's name; may be given several times");
  app.add_flag(
      "--prompt-weights", options.prompt_weights,
      "read weights of words in prompts as AUTOMATIC1111's web UI does: (word:1.3), (word) for 1.1, [word] "
      "for 0.91; \\( is a bracket");
  add_option(app, "--clip-skip", options.clip_skip, "N",
             "number of the text encoder's last layers that are skipped")
      ->check(in_range(0, 1000));
  add_option(app, "--prediction-type", options.prediction_type, "auto|epsilon|v_prediction",
             "quantity that the UNet predicts; auto: as the model's configuration says, or for a single file "
             "epsilon for 1.x and v_prediction for 2.x (SD-Turbo and 2.x base need epsilon)")
      ->check(one_of({"auto", "epsilon", "v_prediction"}));
}

void add_machine_options(CLI::App& app, CommonOptions& options) {
  app.option_defaults()->group("Machine");
  add_option(app, "--device", options.device, "auto|cpu|cuda[:N]|vulkan[:N]",
             "compute device: the CPU, or GPU N of CUDA or Vulkan (0: the first; streamdiffusion devices "
             "lists them); "
             "auto: the first GPU of CUDA, else the first discrete GPU of Vulkan, else the CPU")
      ->check(device_name());
  add_option(
      app, "--precision", options.precision, "auto|f32|bf16|int8|f16",
      "number format of the UNet and the autoencoder on the CPU: f32 is exact; bf16 and int8 take less "
      "memory "
      "and, on most processors, less time (docs/models.md), and images differ slightly; auto: f32. Format of "
      "all networks on a GPU: f16, f32 or, with CUDA, bf16; auto: f16")
      ->check(one_of({"auto", "f32", "bf16", "int8", "f16"}));
  add_option(app, "--threads", options.threads, "N", "compute threads; 0: one for each processor")
      ->check(in_range(0, 1024));
}

void add_size_options(CLI::App& app, CommonOptions& options) {
  app.option_defaults()->group("Image");
  add_size(app, options, "the model's native size", "the model's native size");
}

void add_other_options(CLI::App& app, CommonOptions& options) {
  app.option_defaults()->group("Other");
  add_option(
      app, "--config", options.config, "FILE.json",
      "JSON file with an object of options, named without their leading dashes: {\"steps\": 2}; the command "
      "line overrides it")
      ->default_str("none");
  app.add_flag("--quiet", options.quiet, "print errors only");
}

void add_common_options(CLI::App& app, CommonOptions& options) {
  app.option_defaults()->take_last();
  add_image_options(app, options);
  add_blending(app, options);
  add_denoising(app, options);
  add_guidance(app, options);
  add_stream(app, options);
  add_model_options(app, options);
  add_machine_options(app, options);
  add_other_options(app, options);
}

void add_prompts(CLI::App& app, CommonOptions& options, const std::string& name) {
  app.add_option(name, options.prompts,
                 "description of the image; several --prompt TEXT:WEIGHT are blended by their weights")
      ->type_name("TEXT")
      ->expected(1)
      ->take_all()
      ->allow_extra_args(false);
}

bool is_given(const CLI::App& app, const std::string& option) { return app.get_option(option)->count() > 0; }

void require(const CLI::App& app, const std::string& option, const std::string& what) {
  if (!is_given(app, option)) {
    throw UsageError(what + " is missing");
  }
}

}  // namespace streamdiffusion::cli
