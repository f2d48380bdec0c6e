"""The models of the cases."""
TEXT15 = dict(hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4, hidden_act="quick_gelu")
TEXT21 = dict(hidden_size=48, intermediate_size=96, num_hidden_layers=3, num_attention_heads=3, hidden_act="gelu")
TINY = dict(encoder_block_out_channels=(8, 8, 8, 8), decoder_block_out_channels=(8, 8, 8, 8),
            num_encoder_blocks=(1, 2, 2, 2), num_decoder_blocks=(2, 2, 2, 1))
TEXT_SMALL = dict(hidden_size=20, intermediate_size=28, num_hidden_layers=3, num_attention_heads=5, hidden_act="quick_gelu")
TINY_SMALL = dict(encoder_block_out_channels=(6,) * 4, decoder_block_out_channels=(6,) * 4,
                  num_encoder_blocks=(1, 0, 1, 0), num_decoder_blocks=(1, 0, 0, 0))
SMALL = dict(merges=1, dtype="float16", text=TEXT_SMALL, vae_kind="tiny", vae=TINY_SMALL)
KL_SMALL = dict(latent_channels=4, down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4)
TEXT_SINGLE = dict(hidden_size=64, intermediate_size=96, num_attention_heads=1)

MODELS = {
    # The shape of Stable Diffusion 1.5: convolutional projections, `attention_head_dim` counts heads, bfloat16 files.
    "tiny-sd15": dict(seed=100, dtype="bfloat16", text_prefix=True, text=TEXT15, vae_kind="tiny", vae=TINY,
                      unet=dict(sample_size=16, block_out_channels=(32, 64), layers_per_block=2, norm_num_groups=8,
                                down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
                                up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
                                cross_attention_dim=32, attention_head_dim=4)),
    # The shape of Stable Diffusion 2.1 and SD-Turbo: linear projections, heads per block, "!" padding, float16 files.
    "tiny-sd21": dict(seed=200, text=TEXT21, vae_kind="tiny", vae=TINY, pad="!", dtype="float16",
                      unet=dict(sample_size=16, block_out_channels=(32, 64, 64), layers_per_block=1, norm_num_groups=8,
                                down_block_types=("CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"),
                                up_block_types=("UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
                                cross_attention_dim=48, attention_head_dim=[2, 4, 4], use_linear_projection=True)),
    # v prediction, another scheduler class in the folder, a sharded UNet, LCM's guidance embedding that is not used.
    "tiny-v": dict(seed=500, text=TEXT21, vae_kind="tiny", vae=TINY, dtype="float16", scheduler_class="EulerDiscreteScheduler",
                   scheduler=dict(prediction_type="v_prediction"), save_unet=dict(max_shard_size="300KB"),
                   unet=dict(sample_size=16, block_out_channels=(32, 32), layers_per_block=1, norm_num_groups=8,
                             down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"), up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
                             cross_attention_dim=48, attention_head_dim=2, use_linear_projection=True, time_cond_proj_dim=16)),
    # A schedule whose c_skip and c_out matter, another beta schedule, `.fp16.` file names.
    "tiny-boundary": dict(seed=600, text=TEXT15, vae_kind="tiny", vae=TINY, dtype="float16", variant="fp16",
                          scheduler=dict(timestep_scaling=0.01, original_inference_steps=100, beta_schedule="linear", beta_start=0.0005, beta_end=0.015),
                          unet=dict(sample_size=16, block_out_channels=(32, 32), layers_per_block=1, norm_num_groups=8,
                                    down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"), up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
                                    cross_attention_dim=32, attention_head_dim=2)),
    # The full autoencoder.
    "tiny-kl": dict(seed=300, old_vae_keys=True, text=TEXT15, vae_kind="kl",
                    vae=dict(block_out_channels=(16, 16, 32, 32), layers_per_block=1, latent_channels=4, norm_num_groups=4,
                             down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4,
                             scaling_factor=0.18215),
                    unet=dict(sample_size=16, block_out_channels=(32, 64), layers_per_block=1, norm_num_groups=8,
                              down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
                              up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
                              cross_attention_dim=32, attention_head_dim=4)),
    # The real vocabulary, for the tokenizer only.
    "clip-vocabulary": dict(seed=400, merges=48894, text=dict(TEXT15, hidden_size=4, intermediate_size=4, num_hidden_layers=1, num_attention_heads=1),
                            vae_kind="tiny", vae=TINY, dtype="float16",
                            unet=dict(sample_size=8, block_out_channels=(8,), layers_per_block=1, norm_num_groups=8,
                                      down_block_types=("DownBlock2D",), up_block_types=("UpBlock2D",),
                                      cross_attention_dim=4, attention_head_dim=1)),

    # Small models of other shapes, for tests of the networks only.
    # SDXS: no mid block, no attention on the finest level, one layer per block.
    "small-sdxs": dict(SMALL, seed=700, vae=dict(TINY_SMALL, num_encoder_blocks=(1, 3, 3, 3), num_decoder_blocks=(3, 3, 3, 1)),
                       unet=dict(sample_size=8, block_out_channels=(12, 12, 20), layers_per_block=1, norm_num_groups=4,
                                 down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
                                 up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"), mid_block_type=None,
                                 cross_attention_dim=20, attention_head_dim=[1, 3, 4], use_linear_projection=True)),
    # BK-SDM and Segmind's small models: no mid block, four levels, different numbers of layers per block.
    "small-bk-sdm": dict(SMALL, seed=710, vae=dict(TINY_SMALL, num_encoder_blocks=(0, 1, 3, 3), num_decoder_blocks=(3, 3, 1, 0)),
                         unet=dict(sample_size=8, block_out_channels=(8, 8, 12, 12), layers_per_block=[1, 2, 1, 3], norm_num_groups=4,
                                   down_block_types=("CrossAttnDownBlock2D",) * 3 + ("DownBlock2D",),
                                   up_block_types=("UpBlock2D",) + ("CrossAttnUpBlock2D",) * 3, mid_block_type=None,
                                   cross_attention_dim=20, attention_head_dim=2)),
    # A mid block without attention, several transformer layers, LCM's guidance embedding, sine before cosine.
    "small-mid": dict(SMALL, seed=720, vae_kind="kl",
                      vae=dict(KL_SMALL, block_out_channels=(6, 9, 9, 15), layers_per_block=2, norm_num_groups=3, scaling_factor=0.13),
                      unet=dict(sample_size=8, block_out_channels=(6, 14), layers_per_block=[2, 1], norm_num_groups=2,
                                down_block_types=("CrossAttnDownBlock2D",) * 2, up_block_types=("CrossAttnUpBlock2D",) * 2,
                                mid_block_type="UNetMidBlock2D", transformer_layers_per_block=[1, 3], cross_attention_dim=20,
                                attention_head_dim=[3, 2], time_cond_proj_dim=14, flip_sin_to_cos=False, freq_shift=1, norm_eps=1e-6)),
    # Several transformer layers in the mid block too; an autoencoder without attention and quantisation layers.
    "small-deep": dict(SMALL, seed=730, vae_kind="kl",
                       vae=dict(KL_SMALL, block_out_channels=(4, 4, 8, 8), layers_per_block=1, norm_num_groups=2, mid_block_add_attention=False,
                                use_quant_conv=False, use_post_quant_conv=False),
                       unet=dict(sample_size=8, block_out_channels=(8, 16), layers_per_block=1, norm_num_groups=8,
                                 down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"), up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
                                 transformer_layers_per_block=2, cross_attention_dim=20, attention_head_dim=[8, 16], use_linear_projection=True)),

    # Checkpoints in one file. Tensors do not tell the numbers of groups and heads, so these are as in every Stable Diffusion. There
    # are 32 groups, and eight heads or heads of 64 channels.
    "single-sd1": dict(seed=800, dtype="float16", merges=100, text=dict(TEXT_SINGLE, num_hidden_layers=2, hidden_act="quick_gelu"),
                       single_file=dict(text="clip", vae=True, ema=False), vae_kind="kl",
                       vae=dict(KL_SMALL, block_out_channels=(32, 32, 64, 32), layers_per_block=1, norm_num_groups=32, scaling_factor=0.18215),
                       unet=dict(sample_size=64, block_out_channels=(32, 64, 64), layers_per_block=2, norm_num_groups=32,
                                 down_block_types=("CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"),
                                 up_block_types=("UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
                                 cross_attention_dim=64, attention_head_dim=8)),
    "single-sd2": dict(seed=810, dtype="float16", merges=100, pad="!", text=dict(TEXT_SINGLE, num_hidden_layers=3, hidden_act="gelu"),
                       single_file=dict(text="open_clip", vae=False, ema=True), vae_kind="tiny", vae=TINY_SMALL,
                       scheduler=dict(prediction_type="v_prediction"),
                       unet=dict(sample_size=96, block_out_channels=(64, 128), layers_per_block=1, norm_num_groups=32,
                                 down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"), up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
                                 cross_attention_dim=64, attention_head_dim=[1, 2], use_linear_projection=True)),
}
