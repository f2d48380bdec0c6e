#include <algorithm>
#include <iterator>

#include "settings/choices.h"
#include "settings/setting.h"

namespace streamdiffusion {

namespace {

// Ranges are far wider than useful values. They keep results finite and limit the work for a client.
constexpr std::size_t kMostBlended = 16;
constexpr Range<float> kWeight{0, 1000};
constexpr Range<float> kScale{0, 1000};
constexpr Range<float> kGuidanceEmbedding{-1000, 1000};
constexpr Range<float> kLoraScale{-LoraScale::kLargest, LoraScale::kLargest};
constexpr Range<float> kTransition{0, 3600};
constexpr int kMostSteps = 1000;  // as many as there are timesteps in Stable Diffusion's training

/// Returns the field of the parameters that the member pointers lead to.
template <auto... Members>
constexpr auto parameter() {
  return field<&Settings::parameters, Members...>();
}

constexpr ChoiceSetting kPromptBlend = {
    .names = kBlendNames,
    .get = [](const Settings& settings) -> std::string {
      return to_string(settings.parameters.prompt_blend);
    },
    .set = [](Settings& settings,
              const std::string& name) { settings.parameters.prompt_blend = parse_blend(name); }};

constexpr ChoiceSetting kCfgType = {
    .names = kCfgTypeNames,
    .get = [](const Settings& settings) -> std::string { return to_string(settings.parameters.cfg_type); },
    .set = [](Settings& settings,
              const std::string& name) { settings.parameters.cfg_type = parse_cfg_type(name); }};

constexpr Setting kSettings[] = {
    {.name = "prompt", .group = SettingGroup::image, .type = PromptSetting{}, .help = "what to draw"},
    {.name = "prompts",
     .group = SettingGroup::image,
     .type = PromptsSetting{kMostBlended, kWeight},
     .help = "several prompts, blended by their weights; they take the place of the prompt"},
    {.name = "negative_prompt",
     .group = SettingGroup::image,
     .type = TextSetting{parameter<&Parameters::negative_prompt>()},
     .help = "what not to draw (with guidance of the type full or initialize)"},
    {.name = "seed",
     .group = SettingGroup::image,
     .type = SeedSetting{},
     .help = "seed of the noise: the same seed draws the same image; -1 draws a random seed"},
    {.name = "seeds",
     .group = SettingGroup::image,
     .type = SeedsSetting{kMostBlended, kWeight},
     .help = "several seeds, whose noise is blended by their weights; they take the place of the seed"},
    {.name = "loras",
     .group = SettingGroup::image,
     .type = LorasSetting{kLoraScale},
     .help = "scales of the LoRAs that the model was loaded with; 0 is without it, 1 as it was made"},

    {.name = "prompt_blend",
     .group = SettingGroup::blending,
     .type = kPromptBlend,
     .help = "how several prompts are blended; slerp: on the sphere"},
    {.name = "prompt_transition",
     .group = SettingGroup::blending,
     .type = NumberSetting{parameter<&Parameters::prompt_transition>(), kTransition},
     .unit = "seconds",
     .help = "how long a new prompt takes to take over from the old one"},
    {.name = "seed_transition",
     .group = SettingGroup::blending,
     .type = NumberSetting{parameter<&Parameters::seed_transition>(), kTransition},
     .unit = "seconds",
     .help = "how long the noise of a new seed takes to take over"},

    {.name = "strength",
     .group = SettingGroup::denoising,
     .type = NumberSetting{field<&Settings::strength>(), {.low = 0, .high = 1, .excludes_low = true}},
     .help = "how much of the input is drawn anew: little keeps it, 1 keeps nothing of it (as text to image "
             "does)"},
    {.name = "steps",
     .group = SettingGroup::denoising,
     .type = IntegerSetting{field<&Settings::steps>(), {1, kMostSteps}},
     .help =
         "denoising steps: fewer are quicker, more are cleaner; 1 to 4 suit models made for few steps (LCM, "
         "Turbo)"},
    {.name = "num_inference_steps",
     .group = SettingGroup::denoising,
     .type = IntegerSetting{parameter<&Parameters::num_inference_steps>(), {1, kMostSteps}},
     .help =
         "length of the schedule, from noise to image, in which the indices of the denoising steps count"},
    {.name = "t_index_list",
     .group = SettingGroup::denoising,
     .type = IndicesSetting{{0, kMostSteps - 1}},
     .help =
         "the denoising steps as indices into the schedule, rising, 0 the noisiest; they take the place of "
         "strength and steps"},
    {.name = "do_add_noise",
     .group = SettingGroup::denoising,
     .type = FlagSetting{parameter<&Parameters::do_add_noise>(), "no-added-noise"},
     .help = "add noise between the denoising steps"},

    {.name = "cfg_type",
     .group = SettingGroup::guidance,
     .type = kCfgType,
     .help = "classifier-free guidance: full (twice the work), or the paper's residual guidance: self (no "
             "extra work), initialize (one extra row)"},
    {.name = "guidance_scale",
     .group = SettingGroup::guidance,
     .type = NumberSetting{parameter<&Parameters::guidance_scale>(), kScale},
     .help = "how strongly the prompt guides; up to 1 guidance is off"},
    {.name = "delta",
     .group = SettingGroup::guidance,
     .type = NumberSetting{parameter<&Parameters::delta>(), kScale},
     .help = "strength of the residual noise in self and initialize; lower is softer"},
    {.name = "guidance_embedding",
     .group = SettingGroup::guidance,
     .type = OptionalNumberSetting{parameter<&Parameters::guidance_embedding>(), kGuidanceEmbedding},
     .help = "guidance that a model with time_cond_proj_dim (LCM Dreamshaper) is told to imitate, as it was "
             "distilled to: diffusers' guidance_scale - 1; other models take none"},

    {.name = "cross_frame_attention",
     .group = SettingGroup::stream,
     .type = FlagSetting{parameter<&Parameters::cross_frame_attention>(), ""},
     .help = "self-attention looks at all frames of the batch: steadier video, a little slower"},
    {.name = "similarity_threshold",
     .group = SettingGroup::stream,
     .type =
         NumberSetting{parameter<&Parameters::similarity_filter, &SimilarityFilterParameters::threshold>(),
                       {0, 1}},
     .help = "frames as similar as this to the last one are skipped at random (0.98 is a good value), and "
             "the last result shown again; 1 skips none"},
    {.name = "max_skip_frame",
     .group = SettingGroup::stream,
     .type =
         IntegerSetting{
             parameter<&Parameters::similarity_filter, &SimilarityFilterParameters::max_skip_frame>(),
             {0, 1'000'000}},
     .help = "after so many skipped frames in a row one is drawn anyway"},
};

}  // namespace

std::span<const Setting> settings_table() { return kSettings; }

const Setting* find_setting(std::string_view name) {
  const auto* const found = std::ranges::find(kSettings, name, &Setting::name);
  return found == std::end(kSettings) ? nullptr : found;
}

}  // namespace streamdiffusion
