"""Writes single-file checkpoints: a model under the names of the original Stable Diffusion."""
import gzip, tempfile
from pathlib import Path

import torch
from diffusers import StableDiffusionPipeline
from models import load, write_model
from safetensors.torch import save_file


def original_unet(unet):
    """Returns the UNet's weights under the names of the original Stable Diffusion."""
    modules, i, o = {"mid_block.resnets.0": "middle_block.0", "mid_block.attentions.0": "middle_block.1", "mid_block.resnets.1": "middle_block.2",
                     "conv_in": "input_blocks.0.0", "conv_norm_out": "out.0", "conv_out": "out.2",
                     "time_embedding.linear_1": "time_embed.0", "time_embedding.linear_2": "time_embed.2"}, 0, -1
    for b, block in enumerate(unet.down_blocks):
        for r in range(len(block.resnets)):
            i += 1
            modules[f"down_blocks.{b}.resnets.{r}"], modules[f"down_blocks.{b}.attentions.{r}"] = f"input_blocks.{i}.0", f"input_blocks.{i}.1"
        if block.downsamplers:
            i += 1
            modules[f"down_blocks.{b}.downsamplers.0.conv"] = f"input_blocks.{i}.0.op"
    for b, block in enumerate(unet.up_blocks):
        for r in range(len(block.resnets)):
            o += 1
            modules[f"up_blocks.{b}.resnets.{r}"], modules[f"up_blocks.{b}.attentions.{r}"] = f"output_blocks.{o}.0", f"output_blocks.{o}.1"
        if block.upsamplers:
            modules[f"up_blocks.{b}.upsamplers.0"] = f"output_blocks.{o}." + ("2" if hasattr(block, "attentions") else "1")
    inside = {"norm1": "in_layers.0", "conv1": "in_layers.2", "time_emb_proj": "emb_layers.1", "norm2": "out_layers.0", "conv2": "out_layers.3",
              "conv_shortcut": "skip_connection"}
    state = {}
    for key, value in unet.state_dict().items():
        module = max((m for m in modules if key.startswith(m + ".")), key=len)
        rest = key[len(module) + 1:].split(".")
        if ".resnets." in key:
            rest[0] = inside[rest[0]]
        state[f"model.diffusion_model.{modules[module]}.{'.'.join(rest)}"] = value
    return state


def original_vae(vae):
    levels, state = len(vae.config.block_out_channels), {}
    for key, value in vae.state_dict().items():
        for b in range(levels):
            key = key.replace(f"up_blocks.{b}.", f"up.{levels - 1 - b}.", 1) if key.startswith("decoder.up_blocks.%d." % b) else key
        for new, old in (("down_blocks", "down"), ("samplers.0", "sample"), ("mid_block.resnets.0", "mid.block_1"), ("mid_block.resnets.1", "mid.block_2"),
                         ("mid_block.attentions.0", "mid.attn_1"), (".resnets.", ".block."), ("conv_shortcut", "nin_shortcut"),
                         ("conv_norm_out", "norm_out"), (".group_norm.", ".norm."), (".to_q.", ".q."), (".to_k.", ".k."), (".to_v.", ".v."),
                         (".to_out.0.", ".proj_out.")):
            key = key.replace(new, old)
        if ".attn_1." in key and ".norm." not in key and value.dim() == 2:
            value = value[:, :, None, None]
        state["first_stage_model." + key] = value
    return state


def original_clip(text):
    state = {"cond_stage_model.transformer.text_model." + k.removeprefix("text_model."): v for k, v in text.state_dict().items()}
    state["cond_stage_model.transformer.text_model.embeddings.position_ids"] = torch.arange(77)[None]
    return state


def original_open_clip(text):
    """Returns a complete OpenCLIP: with the last layer, which Stable Diffusion 2 does not use, and the text projection."""
    source, state, prefix = {k.removeprefix("text_model."): v for k, v in text.state_dict().items()}, {}, "cond_stage_model.model."
    names = {"embeddings.token_embedding.weight": "token_embedding.weight", "embeddings.position_embedding.weight": "positional_embedding",
             "final_layer_norm.weight": "ln_final.weight", "final_layer_norm.bias": "ln_final.bias"}
    for key, value in source.items():
        if key in names:
            state[prefix + names[key]] = value
            continue
        key = key.replace("encoder.layers.", "transformer.resblocks.")
        for new, old in (("layer_norm1", "ln_1"), ("layer_norm2", "ln_2"), ("mlp.fc1", "mlp.c_fc"), ("mlp.fc2", "mlp.c_proj"), ("self_attn", "attn")):
            key = key.replace(new, old)
        if "q_proj" in key:
            layer, parameter = key.split(".")[2], key.rsplit(".", 1)[1]
            value = torch.cat([source[f"encoder.layers.{layer}.self_attn.{p}_proj.{parameter}"] for p in "qkv"])
            key = key.replace("q_proj.", "in_proj_")
        elif "k_proj" in key or "v_proj" in key:
            continue
        state[prefix + key] = value
    layers, width = text.config.num_hidden_layers, text.config.hidden_size
    for key in [k for k in state if f"resblocks.{layers - 1}." in k]:
        state[key.replace(f"resblocks.{layers - 1}.", f"resblocks.{layers}.")] = state[key].flip(0)
    state[prefix + "text_projection"], state[prefix + "logit_scale"] = torch.eye(width), torch.tensor(4.6)
    return state


def write_single_file(path, spec, merges_file):
    """Writes a compressed single-file checkpoint. Returns the pipeline that diffusers loads from it with the configuration of the model."""
    with tempfile.TemporaryDirectory() as temporary:
        folder, file = Path(temporary) / "model", Path(temporary) / "model.safetensors"
        write_model(folder, spec, merges_file)
        pipe, kind = load(folder), spec["single_file"]
        state = original_unet(pipe.unet) | (original_open_clip if kind["text"] == "open_clip" else original_clip)(pipe.text_encoder)
        if kind["vae"]:
            state |= original_vae(pipe.vae)
        if kind["ema"]:  # Other weights, which loaders have to ignore.
            state |= {"model_ema." + k.removeprefix("model.").replace(".", ""): torch.full_like(v, 0.5) for k, v in state.items() if k.startswith("model.")}
        state = {k: v.contiguous().clone() if v.dtype == torch.int64 else v.to(torch.float16).contiguous().clone() for k, v in state.items()}
        state |= {"alphas_cumprod": pipe.scheduler.alphas_cumprod.clone(), "betas": pipe.scheduler.betas.clone()}
        save_file(state, str(file))
        path.write_bytes(gzip.compress(file.read_bytes(), 9, mtime=0))
        given = {} if kind["vae"] else dict(vae=pipe.vae)
        single = StableDiffusionPipeline.from_single_file(str(file), config=str(folder), local_files_only=True, torch_dtype=torch.float32, **given,
                                                          scheduler=pipe.scheduler, tokenizer=pipe.tokenizer, safety_checker=None, feature_extractor=None)
        for ours, theirs in ((pipe.unet, single.unet), (pipe.vae, single.vae), (pipe.text_encoder, single.text_encoder)):
            theirs = theirs.float().eval().state_dict()
            assert all(torch.equal(v, theirs[k]) for k, v in ours.state_dict().items() if "position_ids" not in k)
        return single
