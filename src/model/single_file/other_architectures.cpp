#include "model/single_file/other_architectures.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "streamdiffusion/error.h"

namespace streamdiffusion {
namespace {

constexpr std::string_view kNotSupported =
    "which is not supported; only Stable Diffusion 1.x and 2.x and what is made from them are";

constexpr std::string_view kGiveAsLora =
    "not a model; give it as a LoRA, and as the model the one that it is for";

constexpr std::string_view kGiveUnscaled = "which are not read; give the model in float16 or bfloat16";

/// A kind of file and a part of a tensor's name that only such files have.
struct Sign {
  std::string_view piece;
  std::string_view what;
  std::string_view advice;
};

// Pieces that may also occur in other kinds of files stand further down.
constexpr std::array<Sign, 27> kSigns = {{
    {".lora_", "a LoRA", kGiveAsLora},
    {"lora_unet_", "a LoRA", kGiveAsLora},
    {"_lora.", "a LoRA", kGiveAsLora},
    {".hada_w1", "a LoHa", "not a model; give the model that it is for"},
    {".lokr_w", "a LoKr", "not a model; give the model that it is for"},
    {"emb_params", "an embedding (textual inversion)", "not a model; give a checkpoint"},
    {"control_model.", "a ControlNet", "not a whole model; give a checkpoint"},
    {"conditioner.embedders.", "Stable Diffusion XL", kNotSupported},
    {"model.diffusion_model.label_emb.", "Stable Diffusion XL or another model with class embeddings",
     kNotSupported},
    {"joint_blocks.", "Stable Diffusion 3", kNotSupported},
    {"distilled_guidance_layer.", "Chroma", kNotSupported},
    {"double_blocks.", "Flux", kNotSupported},
    {"double_layers.", "AuraFlow", kNotSupported},
    {"double_stream_blocks.", "HiDream", kNotSupported},
    {"single_transformer_blocks.", "Flux", kNotSupported},
    {"cap_embedder.", "Lumina or Z-Image", kNotSupported},
    {"clip_txt_mapper.", "Stable Cascade", kNotSupported},
    {"head.modulation", "Wan", kNotSupported},
    {"patchify_proj.", "LTX-Video", kNotSupported},
    {"motion_modules.", "AnimateDiff", kNotSupported},
    {"time_stack.", "Stable Video Diffusion", kNotSupported},
    {".scale_weight", "a checkpoint of scaled 8-bit floats", kGiveUnscaled},
    {".weight_scale", "a checkpoint of scaled 8-bit weights", kGiveUnscaled},
    {".scaled_fp8", "a checkpoint of scaled 8-bit floats", kGiveUnscaled},
    {"down_blocks.0.resnets.0.conv1.", "a part of a diffusers model",
     "not a whole one; give the folder, the one with model_index.json (an autoencoder alone is given as the "
     "VAE)"},
    {".cond_proj.", "a latent consistency model (LCM) that takes a guidance embedding",
     "which is read from a diffusers folder only; give that (SimianLuo/LCM_Dreamshaper_v7 is one), or a "
     "checkpoint of Stable Diffusion with an LCM LoRA"},
    {"transformer_blocks.0.attn.to_q.", "a diffusion transformer", kNotSupported},
}};

bool has_piece(const SafeTensors& file, std::string_view piece) {
  return std::ranges::any_of(
      file.tensors(), [&](const auto& tensor) { return tensor.first.find(piece) != std::string::npos; });
}

}  // namespace

void refuse_other_architectures(const SafeTensors& file) {
  const auto* const sign =
      std::ranges::find_if(kSigns, [&](const Sign& each) { return has_piece(file, each.piece); });
  if (sign != kSigns.end()) {
    throw FileError(file.name() + ": is " + std::string(sign->what) + ", " + std::string(sign->advice));
  }
}

}  // namespace streamdiffusion
