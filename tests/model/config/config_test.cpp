#include "model/config/config.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "model/errors.h"

namespace streamdiffusion {
namespace {

using nlohmann::json;
using Integers = std::vector<std::int64_t>;

UNet2DConditionConfig unet(const json& config) {
  return parse_unet_config(config.dump(), "unet/config.json");
}

/// Expects that each value of the field is refused with a message that names the field.
template <typename Parse>
void expect_refused(Parse parse, json config, const std::string& field, const std::vector<json>& values) {
  for (const json& value : values) {
    config[field] = value;
    SCOPED_TRACE(field + " " + value.dump());
    expect_error([&] { parse(config.dump(), "folder/config.json"); },
                 {"folder/config.json", "\"" + field + "\""});
  }
}

// Published configurations, reduced to the fields that matter here.

json stable_diffusion_1() {
  return json::parse(R"({"_class_name":"UNet2DConditionModel","_diffusers_version":"0.6.0","act_fn":"silu",
    "attention_head_dim":8,"block_out_channels":[320,640,1280,1280],"center_input_sample":false,
    "cross_attention_dim":768,
    "down_block_types":["CrossAttnDownBlock2D","CrossAttnDownBlock2D","CrossAttnDownBlock2D","DownBlock2D"],
    "downsample_padding":1,"flip_sin_to_cos":true,"freq_shift":0,"in_channels":4,"layers_per_block":2,
    "mid_block_scale_factor":1,"norm_eps":1e-05,"norm_num_groups":32,"out_channels":4,"sample_size":64,
    "up_block_types":["UpBlock2D","CrossAttnUpBlock2D","CrossAttnUpBlock2D","CrossAttnUpBlock2D"]})");
}

TEST(UNetConfig, ReadsStableDiffusion1) {
  const UNet2DConditionConfig config = unet(stable_diffusion_1());
  EXPECT_EQ(config.heads, (Integers{8, 8, 8, 8}));
  EXPECT_EQ(config.cross_attention_dim, (Integers{768, 768, 768, 768}));
  EXPECT_EQ(config.layers_per_block, (Integers{2, 2, 2, 2}));
  EXPECT_EQ(config.down_attention, (std::vector<bool>{true, true, true, false}));
  EXPECT_EQ(config.up_attention, (std::vector<bool>{false, true, true, true}));
  EXPECT_TRUE(config.mid_block && config.mid_attention);
  EXPECT_FALSE(config.use_linear_projection);
  EXPECT_EQ(config.time_cond_proj_dim, 0);
}

TEST(UNetConfig, ReadsSdTurbo) {
  json config = stable_diffusion_1();
  config.update(json::parse(R"({"attention_head_dim":[5,10,20,20],"cross_attention_dim":1024,
    "use_linear_projection":true,"upcast_attention":null,"dual_cross_attention":false,"num_class_embeds":null,
    "only_cross_attention":false,"resnet_time_scale_shift":"default","transformer_layers_per_block":1,
    "num_attention_heads":null,"time_embedding_type":"positional","conv_in_kernel":3,"attention_type":"default"})"));
  EXPECT_EQ(unet(config).heads, (Integers{5, 10, 20, 20}));
  EXPECT_TRUE(unet(config).use_linear_projection);
}

TEST(UNetConfig, ReadsLcmDreamshaper) {
  json config = stable_diffusion_1();
  config["time_cond_proj_dim"] = 256;
  EXPECT_EQ(unet(config).time_cond_proj_dim, 256);
}

TEST(UNetConfig, ReadsModelsWithoutMidBlock) {  // such as SDXS and BK-SDM small and tiny
  json config = stable_diffusion_1();
  config.update(json::parse(R"({"attention_head_dim":[5,10,20],"block_out_channels":[320,640,1280],
    "down_block_types":["DownBlock2D","CrossAttnDownBlock2D","CrossAttnDownBlock2D"],
    "up_block_types":["CrossAttnUpBlock2D","CrossAttnUpBlock2D","UpBlock2D"],"layers_per_block":[1,2,1],
    "transformer_layers_per_block":[1,2,3],"mid_block_type":null})"));
  const UNet2DConditionConfig parsed = unet(config);
  EXPECT_FALSE(parsed.mid_block);
  EXPECT_EQ(parsed.layers_per_block, (Integers{1, 2, 1}));
  EXPECT_EQ(parsed.layers_per_up_block, (Integers{1, 2, 1}));
  EXPECT_EQ(parsed.transformer_layers_per_block, (Integers{1, 2, 3}));
  config["mid_block_type"] = "UNetMidBlock2D";
  EXPECT_TRUE(unet(config).mid_block);
  EXPECT_FALSE(unet(config).mid_attention);
}

TEST(UNetConfig, TakesDiffusersDefaults) {
  const UNet2DConditionConfig config = unet(json::object());
  EXPECT_EQ(config.block_out_channels, (Integers{320, 640, 1280, 1280}));
  EXPECT_EQ(config.cross_attention_dim, (Integers{1280, 1280, 1280, 1280}));
  EXPECT_EQ(config.heads, (Integers{8, 8, 8, 8}));
  EXPECT_TRUE(config.mid_attention);
}

TEST(UNetConfig, TakesTransformerLayersByLayerWhereTheyAreAlike) {
  json config = stable_diffusion_1();
  config["transformer_layers_per_block"] = json::parse("[[1,1],[2,2],3,1]");
  config["reverse_transformer_layers_per_block"] = json::parse("[[1,1,1],3,[2,2,2],1]");
  EXPECT_EQ(unet(config).transformer_layers_per_block, (Integers{1, 2, 3, 1}));
}

TEST(UNetConfig, RefusesWhatItDoesNotCompute) {
  const std::vector<std::pair<std::string, std::vector<json>>> cases = {
      {"_class_name", {"UNet2DModel"}},
      {"act_fn", {"gelu", 1}},
      {"addition_embed_type", {"text_time"}},
      {"attention_head_dim", {0, -1, 7, "8", json::array({8, 8}), 1e30, 2.5}},
      {"attention_type", {"gated"}},
      {"block_out_channels", {json::array(), json::array({320, 640}), 320, json::array({1, 2, 3, "4"})}},
      {"center_input_sample", {true}},
      {"class_embed_type", {"timestep"}},
      {"conv_in_kernel", {1}},
      {"cross_attention_norm", {"layer_norm"}},
      {"down_block_types",
       {json::array({"AttnDownBlock2D", "DownBlock2D", "DownBlock2D", "DownBlock2D"}), "DownBlock2D"}},
      {"downsample_padding", {0}},
      {"dual_cross_attention", {true}},
      {"encoder_hid_dim_type", {"text_proj"}},
      {"in_channels", {9, 0}},
      {"layers_per_block", {0, json::array({1, 2}), "2", 100000000}},
      {"mid_block_only_cross_attention", {true}},
      {"mid_block_scale_factor", {1.5}},
      {"mid_block_type", {"UNetMidBlock2DSimpleCrossAttn", 1}},
      {"norm_num_groups", {0, 33, json()}},
      {"norm_eps", {0, -1, "x"}},
      {"num_attention_heads", {16}},
      {"only_cross_attention", {true, json::array({false, true, true, true})}},
      {"resnet_time_scale_shift", {"scale_shift"}},
      {"reverse_transformer_layers_per_block", {json::array({1, 1, 1, 2})}},
      {"sample_size", {0, "64", json::array({1})}},
      {"time_embedding_dim", {1024}},
      {"time_embedding_type", {"fourier"}},
      {"transformer_layers_per_block", {0, json::array({1, 2}), json::parse("[[1,2],1,1,1]")}},
      {"up_block_types", {json::array({"UpBlock2D"})}},
      {"something_new", {"on", 1, true}},
  };
  for (const auto& [field, values] : cases) {
    expect_refused(parse_unet_config, stable_diffusion_1(), field, values);
  }
}

TEST(UNetConfig, LetsPassWhatIsOffOrBookKeeping) {
  json config = stable_diffusion_1();
  config.update(json::parse(R"({"_name_or_path":"x","something_new":null,"another":false,"dropout":0.1,
    "only_cross_attention":[false,false,false,false],"num_attention_heads":8,"sample_size":[64,96]})"));
  EXPECT_EQ(unet(config).sample_size, 64);
}

TEST(Config, RefusesBrokenJson) {
  for (const std::string text : {"", "{", "[]", "1", "{\"a\":1}x", "{\"a\":\"\xff\"}", "{\"a\":1,\"a\":1}",
                                 "{\"sample_size\":1e999}", "nul"}) {
    SCOPED_TRACE(text);
    expect_error([&] { parse_unet_config(text, "config.json"); }, {"config.json"});
    expect_error([&] { parse_clip_text_config(text, "config.json"); }, {"config.json"});
    expect_error([&] { parse_autoencoder_tiny_config(text, "config.json"); }, {"config.json"});
    expect_error([&] { parse_autoencoder_kl_config(text, "config.json"); }, {"config.json"});
    expect_error([&] { parse_model_index(text, "config.json"); }, {"config.json"});
  }
}

json clip_text() {
  return json::parse(
      R"({"architectures":["CLIPTextModel"],"attention_dropout":0.0,"bos_token_id":0,"dropout":0.0,
    "eos_token_id":2,"hidden_act":"quick_gelu","hidden_size":768,"initializer_factor":1.0,"initializer_range":0.02,
    "intermediate_size":3072,"layer_norm_eps":1e-05,"max_position_embeddings":77,"model_type":"clip_text_model",
    "num_attention_heads":12,"num_hidden_layers":12,"pad_token_id":1,"torch_dtype":"float32",
    "transformers_version":"4.22.0.dev0","vocab_size":49408})");
}

TEST(ClipTextConfig, ReadsPublishedFiles) {
  const ClipTextConfig config = parse_clip_text_config(clip_text().dump(), "x");
  EXPECT_EQ(config.hidden_size, 768);
  EXPECT_TRUE(config.quick_gelu);
  json turbo = clip_text();
  turbo.update(json::parse(
      R"({"hidden_act":"gelu","hidden_size":1024,"num_attention_heads":16,"projection_dim":512})"));
  EXPECT_FALSE(parse_clip_text_config(turbo.dump(), "x").quick_gelu);
}

TEST(ClipTextConfig, FindsItInsideAWholeModels) {
  json whole = json::parse(R"({"model_type":"clip","vision_config":{"hidden_size":5},"projection_dim":768})");
  whole["text_config"] = clip_text();
  whole["text_config"].update(
      json::parse(R"({"num_beams":1,"top_k":50,"temperature":1.0,"id2label":{"0":"LABEL_0"}})"));
  EXPECT_EQ(parse_clip_text_config(whole.dump(), "x").hidden_size, 768);
}

TEST(ClipTextConfig, TakesTransformersDefaults) {
  const ClipTextConfig config = parse_clip_text_config("{}", "x");
  EXPECT_EQ(config.hidden_size, 512);
  EXPECT_EQ(config.num_attention_heads, 8);
}

TEST(ClipTextConfig, RefusesOthers) {
  expect_refused(parse_clip_text_config, clip_text(), "hidden_act", {"gelu_new", "relu", 1});
  expect_refused(parse_clip_text_config, clip_text(), "model_type", {"t5"});
  expect_refused(parse_clip_text_config, clip_text(), "architectures", {json::array({"BertModel"})});
  expect_refused(parse_clip_text_config, clip_text(), "num_attention_heads", {7, 0, -12, 1e10});
  expect_refused(parse_clip_text_config, clip_text(), "layer_norm_eps", {0, 2, "x"});
  expect_refused(parse_clip_text_config, clip_text(), "rotary", {true});
}

TEST(AutoencoderConfig, ReadsTaesdAndRefusesOthers) {
  const json taesd = json::parse(R"({"_class_name":"AutoencoderTiny","act_fn":"relu","latent_channels":4,
    "decoder_block_out_channels":[64,64,64,64],"encoder_block_out_channels":[64,64,64,64],"force_upcast":false,
    "in_channels":3,"latent_magnitude":3,"latent_shift":0.5,"num_decoder_blocks":[3,3,3,1],
    "num_encoder_blocks":[1,3,3,3],"out_channels":3,"scaling_factor":1.0,"upsample_fn":"nearest",
    "upsampling_scaling_factor":2})");
  EXPECT_EQ(parse_autoencoder_tiny_config(taesd.dump(), "x").num_decoder_blocks, (Integers{3, 3, 3, 1}));
  const auto refuse = [&](const std::string& field, const std::vector<json>& values) {
    expect_refused(parse_autoencoder_tiny_config, taesd, field, values);
  };
  refuse("_class_name", {"AutoencoderKL"});
  refuse("act_fn", {"gelu"});
  refuse("upsample_fn", {"bilinear"});
  refuse("num_encoder_blocks", {json::array({1, 3, 3}), json::array({1, 3, 3, -1})});
  refuse("encoder_block_out_channels", {json::array({64, 64, 64, 32}), json::array({64})});
  refuse("scaling_factor", {0, -1, "x", 1e300});
  refuse("shift_factor", {0.5});
}

TEST(AutoencoderConfig, ReadsStableDiffusionsAndRefusesOthers) {
  const json kl =
      json::parse(R"({"_class_name":"AutoencoderKL","act_fn":"silu","block_out_channels":[128,256,512,512],
    "down_block_types":["DownEncoderBlock2D","DownEncoderBlock2D","DownEncoderBlock2D","DownEncoderBlock2D"],
    "in_channels":3,"latent_channels":4,"layers_per_block":2,"norm_num_groups":32,"out_channels":3,"sample_size":512,
    "up_block_types":["UpDecoderBlock2D","UpDecoderBlock2D","UpDecoderBlock2D","UpDecoderBlock2D"],
    "force_upcast":true,"latents_mean":null,"latents_std":null,"shift_factor":null})");
  EXPECT_FLOAT_EQ(parse_autoencoder_kl_config(kl.dump(), "x").scaling_factor, 0.18215F);
  EXPECT_TRUE(parse_autoencoder_kl_config(kl.dump(), "x").use_quant_conv);
  const auto refuse = [&](const std::string& field, const std::vector<json>& values) {
    expect_refused(parse_autoencoder_kl_config, kl, field, values);
  };
  refuse("down_block_types", {json::array({"AttnDownEncoderBlock2D", "DownEncoderBlock2D"})});
  refuse("latents_mean", {json::array({0.1, 0.2, 0.3, 0.4})});
  refuse("norm_num_groups", {48});
  refuse("block_out_channels", {json::array({128})});
  refuse("shift_factor", {0.1});
}

TEST(SchedulerConfig, ReadsConstantsWhateverTheClass) {
  const SchedulerConfig config = parse_scheduler_config(
      R"({"_class_name":"EulerDiscreteScheduler","beta_end":0.02,"beta_schedule":"linear","beta_start":0.0001,
      "num_train_timesteps":500,"prediction_type":"v_prediction","interpolation_type":"linear","sigma_min":0.1})",
      "x");
  EXPECT_TRUE(config.v_prediction);
  EXPECT_EQ(config.num_train_timesteps, 500);
  EXPECT_EQ(config.beta_schedule, SchedulerConfig::BetaSchedule::linear);
  EXPECT_EQ(config.original_inference_steps, 50);
  EXPECT_EQ(config.timestep_scaling, 10.0);
}

TEST(SchedulerConfig, ReadsPythonsConstants) {
  const SchedulerConfig config = parse_scheduler_config(
      R"({"_class_name":"DPMSolverMultistepScheduler","lambda_min_clipped":-Infinity,"sigma_max":Infinity,
      "variance_type":NaN,"num_train_timesteps":10,"num_train_timesteps":500})",
      "x");
  EXPECT_EQ(config.num_train_timesteps, 500);
  expect_error([] { parse_scheduler_config(R"({"beta_start":NaN})", "x"); }, {"beta_start", "\"NaN\""});
  expect_error([] { parse_scheduler_config(R"({"timestep_scaling":Infinity})", "x"); }, {"timestep_scaling"});
}

TEST(SchedulerConfig, TellsWhichFieldsHaveNoEffect) {
  const auto ignored_fields = [](const char* text) {
    return parse_scheduler_config(text, "x").ignored_fields;
  };
  EXPECT_TRUE(ignored_fields(R"({"thresholding":false,"clip_sample":false})").empty());
  EXPECT_EQ(ignored_fields(R"({"thresholding":true})"), std::vector<std::string>{"thresholding"});
  EXPECT_EQ(ignored_fields(R"({"clip_sample":true})"), std::vector<std::string>{"clip_sample"});
}

TEST(SchedulerConfig, ReadsThatTheLastLevelHasNoSignal) {
  EXPECT_FALSE(parse_scheduler_config("{}", "x").rescale_betas_zero_snr);
  EXPECT_TRUE(parse_scheduler_config(R"({"rescale_betas_zero_snr":true})", "x").rescale_betas_zero_snr);
  expect_error(
      [] { parse_scheduler_config(R"({"rescale_betas_zero_snr":true,"num_train_timesteps":1})", "x"); },
      {"rescale_betas_zero_snr", "num_train_timesteps"});
}

TEST(SchedulerConfig, RefusesOthers) {
  const auto refuse = [](const std::string& field, const std::vector<json>& values) {
    expect_refused(parse_scheduler_config, json::object(), field, values);
  };
  refuse("prediction_type", {"sample", "flow_prediction", 1});
  refuse("rescale_betas_zero_snr", {"yes"});
  refuse("beta_schedule", {"laplace"});
  refuse("beta_start", {0, 1, -0.1, "x"});
  refuse("num_train_timesteps", {0, -1, 1e18});
  refuse("trained_betas", {json::array({0.1, 0.2}), json::array({"x"}), 0.1});
  refuse("original_inference_steps", {0, 1001});
  refuse("_class_name", {"FlowMatchEulerDiscreteScheduler"});
}

TEST(ModelIndex, TellsTheAutoencoderAndRefusesOtherPipelines) {
  json index = json::parse(R"({"_class_name":"StableDiffusionPipeline","_diffusers_version":"0.6.0",
    "feature_extractor":["transformers","CLIPImageProcessor"],"requires_safety_checker":true,
    "safety_checker":["stable_diffusion","StableDiffusionSafetyChecker"],"scheduler":["diffusers","PNDMScheduler"],
    "text_encoder":["transformers","CLIPTextModel"],"tokenizer":["transformers","CLIPTokenizer"],
    "unet":["diffusers","UNet2DConditionModel"],"vae":["diffusers","AutoencoderKL"],"image_encoder":[null,null]})");
  EXPECT_FALSE(parse_model_index(index.dump(), "x").tiny_autoencoder);
  index["vae"][1] = "AutoencoderTiny";
  EXPECT_TRUE(parse_model_index(index.dump(), "x").tiny_autoencoder);
  expect_refused(parse_model_index, index, "text_encoder_2",
                 {json::array({"transformers", "CLIPTextModel"})});
  expect_refused(parse_model_index, index, "unet",
                 {json::array({"diffusers", "X"}), json(), json::array(), "x"});
}

TEST(ReadTextFile, NamesTheFileThatIsMissing) {
  expect_error([] { read_text_file("/nowhere/config.json"); }, {"/nowhere/config.json", "No such"});
}

}  // namespace
}  // namespace streamdiffusion
