#!/usr/bin/env python3
"""Writes reference cases (see tests/conformance/FORMAT.md) by running the Python reference implementations.

    pip install torch diffusers transformers safetensors peft numpy
    pip install --no-deps streamdiffusion==0.1.1
    python tools/make_cases.py --out cases [--only NAME...]

References: `diffusers` (UNet, VAE, LCM scheduler, LoRA), `transformers` (CLIP text model and
tokenizer) and the original Python `streamdiffusion` 0.1.1 (the stream). All weights are random
and seeded; every tensor is float32 on the CPU unless the model says otherwise.
"""
import argparse, gzip, json, os, random, tempfile, time
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file

torch.set_grad_enabled(False)


class _NoEvent:  # Replaces CUDA events, with which the reference times itself and which the CPU lacks.
    def __init__(self, *a, **k): pass
    def record(self, *a): pass
    def elapsed_time(self, other): return 0.0


torch.cuda.Event = _NoEvent
torch.cuda.synchronize = lambda *a: None

import diffusers
from diffusers import (AutoencoderKL, AutoencoderTiny, LatentConsistencyModelPipeline, LCMScheduler,
                       StableDiffusionPipeline, UNet2DConditionModel)
from diffusers.models.attention_processor import IPAdapterAttnProcessor2_0
from streamdiffusion.image_filter import SimilarImageFilter
from streamdiffusion.pipeline import StreamDiffusion
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer


# ---------------------------------------------------------------- Models
def bytes_to_unicode():
    keep = list(range(33, 127)) + list(range(161, 173)) + list(range(174, 256))
    chars, extra = keep[:], 0
    for b in range(256):
        if b not in keep:
            keep.append(b)
            chars.append(256 + extra)
            extra += 1
    return [chr(c) for c in chars]


def write_tokenizer(folder, merges_file, merges_kept, pad):
    """Writes a CLIP BPE tokenizer with the first `merges_kept` merges of the real vocabulary. Returns its vocabulary's size."""
    lines = gzip.open(merges_file, "rt", encoding="utf-8").read().split("\n")[1:49152 - 256 - 2 + 1]
    merges = [l for l in lines if l][:merges_kept]
    base = bytes_to_unicode()
    tokens = base + [c + "</w>" for c in base] + ["".join(m.split()) for m in merges]
    tokens += ["<|startoftext|>", "<|endoftext|>"]
    vocab = {t: i for i, t in enumerate(tokens)}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.json").write_text(json.dumps(vocab, ensure_ascii=False), encoding="utf-8")
    (folder / "merges.txt").write_text("#version: 0.2\n" + "\n".join(merges) + "\n", encoding="utf-8")
    special = {"bos_token": "<|startoftext|>", "eos_token": "<|endoftext|>",
               "unk_token": "<|endoftext|>", "pad_token": pad}
    (folder / "special_tokens_map.json").write_text(json.dumps(special))
    (folder / "tokenizer_config.json").write_text(json.dumps(
        dict(special, model_max_length=77, do_lower_case=True, tokenizer_class="CLIPTokenizer")))
    return len(tokens)


def randomise(module, seed):
    """Sets seeded random weights. Gains and biases differ from 1 and 0, so that every parameter matters."""
    g = torch.Generator().manual_seed(seed)
    for name, p in module.named_parameters():
        if p.dim() > 1:
            fan = p[0].numel()
            p.copy_(torch.randn(p.shape, generator=g) / fan ** 0.5)
        elif name.endswith("weight"):
            p.copy_(1 + 0.2 * torch.randn(p.shape, generator=g))
        else:
            p.copy_(0.1 * torch.randn(p.shape, generator=g))


def randomise_periodically(module, seed, period=131):
    """Sets weights that repeat with a period, so that a compressed file of them is small. Hardly two rows are equal."""
    g = torch.Generator().manual_seed(seed)
    for name, p in module.named_parameters():
        values = (2 * torch.randn(period, generator=g)).round() / 2
        values = (values / p[0].numel() ** 0.5 if p.dim() > 1 else 1 + 0.2 * values if name.endswith("weight") else 0.1 * values)
        p.copy_(values.repeat(p.numel() // period + 1)[:p.numel()].view(p.shape))


def write_model(folder, spec, merges_file):
    seed = spec["seed"]
    torch.manual_seed(seed)
    dtype = getattr(torch, spec.get("dtype", "float32"))
    vocab = write_tokenizer(folder / "tokenizer", merges_file, spec.get("merges", 400), spec.get("pad", "<|endoftext|>"))
    text = CLIPTextModel(CLIPTextConfig(vocab_size=vocab, max_position_embeddings=77,
                                        bos_token_id=vocab - 2, eos_token_id=vocab - 1, **spec["text"])).eval()
    unet = UNet2DConditionModel(in_channels=4, out_channels=4, **spec["unet"]).eval()
    vae = {"tiny": AutoencoderTiny, "kl": AutoencoderKL}[spec["vae_kind"]](**spec["vae"]).eval()
    for i, m in enumerate((text, unet, vae)):
        (randomise_periodically if "single_file" in spec else randomise)(m, seed + i)
    kind = getattr(diffusers, spec.get("scheduler_class", "LCMScheduler"))
    scheduler = kind(**dict(dict(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear"), **spec.get("scheduler", {})))
    for name, m in (("text_encoder", text), ("unet", unet), ("vae", vae)):
        m.to(dtype).save_pretrained(folder / name, variant=spec.get("variant"), **spec.get("save_" + name, {}))
    if spec.get("old_vae_keys"):  # Attention layers' names in older published autoencoders.
        path = next((folder / "vae").glob("*.safetensors"))
        names = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}
        state = {}
        for k, v in load_file(path).items():
            for new, old in names.items():
                if ".attentions." in k:
                    k = k.replace("." + new + ".", "." + old + ".")
            state[k] = v
        save_file(state, str(path), metadata={"format": "pt"})
    if spec.get("text_prefix"):  # Key names of published models, which newer versions of transformers no longer write.
        path = folder / "text_encoder" / "model.safetensors"
        state = {"text_model." + k: v for k, v in load_file(path).items()}
        state["text_model.embeddings.position_ids"] = torch.arange(77)[None]
        save_file(state, str(path), metadata={"format": "pt"})
    scheduler.save_pretrained(folder / "scheduler")
    (folder / "model_index.json").write_text(json.dumps({
        "_class_name": "StableDiffusionPipeline",
        "text_encoder": ["transformers", "CLIPTextModel"], "tokenizer": ["transformers", "CLIPTokenizer"],
        "unet": ["diffusers", "UNet2DConditionModel"], "scheduler": ["diffusers", type(scheduler).__name__],
        "vae": ["diffusers", type(vae).__name__],
        "safety_checker": [None, None], "feature_extractor": [None, None]}, indent=1))


def load(folder):
    """Loads the pipeline in float32, whatever the stored type."""
    index = json.loads((folder / "model_index.json").read_text())
    vae = {"AutoencoderTiny": AutoencoderTiny, "AutoencoderKL": AutoencoderKL}[index["vae"][1]]
    variant = "fp16" if list((folder / "unet").glob("*.fp16*")) else None
    return StableDiffusionPipeline(
        vae=vae.from_pretrained(folder / "vae", variant=variant).float().eval(),
        text_encoder=CLIPTextModel.from_pretrained(folder / "text_encoder", variant=variant).float().eval(),
        tokenizer=CLIPTokenizer.from_pretrained(folder / "tokenizer"),
        unet=UNet2DConditionModel.from_pretrained(folder / "unet", variant=variant).float().eval(),
        scheduler=LCMScheduler.from_pretrained(folder / "scheduler"),
        safety_checker=None, feature_extractor=None, requires_safety_checker=False)


def write_lora(path, unet, seed, style, rank=4):
    """Writes a LoRA over attention, projection and convolution layers. `style` is the naming: diffusers, kohya or processor."""
    g = torch.Generator().manual_seed(seed)
    out = {}
    for name, m in unet.named_modules():
        wanted = (any(s in name for s in ("to_q", "to_k", "to_v", "to_out.0", "proj_in", "proj_out", "ff.net.0.proj", "ff.net.2"))
                  or (style == "kohya" and (name.endswith(("conv1", "conv2", "time_emb_proj", "conv_shortcut", "samplers.0.conv"))
                                            or name.startswith("time_embedding.linear"))))
        if style == "processor":  # The oldest naming, for attention only.
            wanted = any(s in name for s in ("to_q", "to_k", "to_v", "to_out.0"))
        if not wanted or not hasattr(m, "weight"):
            continue
        w = m.weight
        down = torch.randn((rank,) + tuple(w.shape[1:]), generator=g) / w[0].numel() ** 0.5
        up = torch.randn((w.shape[0], rank) + (1,) * (w.dim() - 2), generator=g) * 0.3
        if style == "kohya":
            key = "lora_unet_" + name.replace(".", "_")
            out[key + ".lora_down.weight"], out[key + ".lora_up.weight"] = down, up
            out[key + ".alpha"] = torch.tensor(float(rank) / 2)
        elif style == "processor":
            attention, projection = name.replace("to_out.0", "to_out").rsplit(".", 1)
            key = f"unet.{attention}.processor.{projection}_lora"
            out[key + ".down.weight"], out[key + ".up.weight"] = down, up
        else:
            out[f"unet.{name}.lora_A.weight"], out[f"unet.{name}.lora_B.weight"] = down, up
    save_file(out, str(path))


# ---------------------------------------------------------------- Single files
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


# ---------------------------------------------------------------- Cases
class CrossFrameAttention:
    """Self-attention whose keys and values come from every element of the batch (paper, section 3.2)."""

    def __call__(self, attn, hidden_states, encoder_hidden_states=None, attention_mask=None, temb=None, **kwargs):
        b, tokens, _ = hidden_states.shape
        heads = lambda x: x.unflatten(-1, (attn.heads, -1)).transpose(1, 2)
        everyone = lambda x: x.flatten(0, 1).unsqueeze(0).expand(b, -1, -1)
        k, v = everyone(attn.to_k(hidden_states)), everyone(attn.to_v(hidden_states))
        x = torch.nn.functional.scaled_dot_product_attention(heads(attn.to_q(hidden_states)), heads(k), heads(v))
        return attn.to_out[0](x.transpose(1, 2).flatten(2))


class FeatureBankAttention:
    """Self-attention to its own keys and values and to those of a bank, together."""

    def __init__(self, keys, values):
        self.keys, self.values = keys, values

    def __call__(self, attn, hidden_states, encoder_hidden_states=None, attention_mask=None, temb=None, **kwargs):
        heads = lambda x: x.unflatten(-1, (attn.heads, -1)).transpose(1, 2)
        k = torch.cat([attn.to_k(hidden_states), self.keys], 1)
        v = torch.cat([attn.to_v(hidden_states), self.values], 1)
        x = torch.nn.functional.scaled_dot_product_attention(heads(attn.to_q(hidden_states)), heads(k), heads(v))
        return attn.to_out[0](x.transpose(1, 2).flatten(2))


def blocks_of(unet, attention):
    """Returns the names of all attentions `attention` (attn1 or attn2) in the order in which they compute."""
    order = lambda name: ("down", "mid", "up").index(name.split("_")[0])
    return sorted((n for n, m in unet.named_modules() if n.endswith("." + attention)), key=order)


def run_hooked(c, unet, g, sample, steps, text, **kwargs):
    """Runs the UNet with what other networks give it. Returns what they give, and the output."""
    t, b, attentions = {}, len(sample), {name.removesuffix(".processor"): p for name, p in unet.attn_processors.items()}
    if c.get("residuals"):
        shapes = []
        hooks = [unet.conv_in.register_forward_hook(lambda m, i, o: shapes.append(o.shape))]
        hooks += [m.register_forward_hook(lambda m, i, o: shapes.extend(r.shape for r in o[1])) for m in unet.down_blocks]
        unet(sample, steps, text, **kwargs)
        for hook in hooks:
            hook.remove()
        down = [0.5 * torch.randn(shape, generator=g) for shape in shapes]
        mid = 0.5 * torch.randn(shapes[-1], generator=g)
        t |= {f"in.down_residual.{i}": r for i, r in enumerate(down)} | {"in.mid_residual": mid}
        kwargs |= dict(down_block_additional_residuals=down, mid_block_additional_residual=mid)
    if c.get("bank_tokens"):
        for i, name in enumerate(blocks_of(unet, "attn1")):
            shape = (b, c["bank_tokens"], unet.get_submodule(name).to_k.out_features)
            t[f"in.bank_keys.{i}"], t[f"in.bank_values.{i}"] = keys, values = [torch.randn(shape, generator=g) for _ in range(2)]
            attentions[name] = FeatureBankAttention(keys, values)
    if c.get("image_scales"):
        image = torch.randn((b, 1, 4, text.shape[-1]), generator=g)
        for i, name in enumerate(blocks_of(unet, "attn2")):
            width = unet.get_submodule(name).to_k.out_features
            attentions[name] = p = IPAdapterAttnProcessor2_0(width, text.shape[-1], scale=[1.0])
            randomise(p, c["seed"] + i)
            t[f"in.image_keys.{i}"], t[f"in.image_values.{i}"] = p.to_k_ip[0](image[:, 0]), p.to_v_ip[0](image[:, 0])
    unet.set_attn_processor({f"{name}.processor": p for name, p in attentions.items()})
    if not c.get("image_scales"):
        return t | {"out.sample": unet(sample, steps, text, **kwargs).sample}
    # A processor has one scale for the whole batch. The output of each row is therefore taken from a run with its scale.
    rows = []
    for row, scale in enumerate(c["image_scales"]):
        for name in blocks_of(unet, "attn2"):
            attentions[name].scale = [scale]
        rows.append(unet(sample, steps, (text, [image]), **kwargs).sample[row])
    return t | {"out.sample": torch.stack(rows)}


def frames(n, h, w, seed, still=(), drift=0.0):
    """Returns moving images in [0, 1], NCHW. Frames in `still` repeat the one before. With `drift`, a still image changes slightly."""
    rng = np.random.default_rng(seed)
    if drift:
        base, walk, out = rng.uniform(0.2, 0.8, (3, h, w)), 0.0, []
        for i in range(n):
            walk = walk + drift * rng.uniform(0, 1) * rng.standard_normal((3, h, w))
            out.append(np.clip(base + walk, 0, 1).astype(np.float32))
        return torch.from_numpy(np.stack(out))
    yy, xx = np.mgrid[0:h, 0:w].astype(np.float32)
    out = []
    for i in range(n):
        if i in still and out:
            out.append(out[-1].copy())
            continue
        img = np.stack([0.5 + 0.5 * np.sin(xx / (7 + c) + i * 0.4 + c) * np.cos(yy / (9 - c) - i * 0.3) for c in range(3)])
        img += 0.05 * rng.standard_normal(img.shape)
        cy, cx = (h / 2 + h / 3 * np.sin(i * 0.5), w / 2 + w / 3 * np.cos(i * 0.5))
        img[:, ((yy - cy) ** 2 + (xx - cx) ** 2) < (min(h, w) / 6) ** 2] = [[0.9], [0.2], [0.1]]
        out.append(np.clip(img, 0, 1).astype(np.float32))
    return torch.from_numpy(np.stack(out))


def case_noise(c, pipe, model_dir):
    g = torch.Generator().manual_seed(c["seed"])
    return {f"out.{i}": torch.randn(shape, generator=g if c.get("successive") else torch.Generator().manual_seed(c["seed"]))
            for i, shape in enumerate(c["shapes"])}


def case_tokenizer(c, pipe, model_dir):
    ids = pipe.tokenizer(c["texts"], padding="max_length", max_length=77, truncation=True, return_tensors="pt").input_ids
    return {"out.ids": ids.to(torch.int64)}


def case_text_encoder(c, pipe, model_dir):
    ids = pipe.tokenizer(c["texts"], padding="max_length", max_length=77, truncation=True, return_tensors="pt").input_ids
    out = pipe.text_encoder(ids, output_hidden_states=True)
    last = out.last_hidden_state
    if c.get("clip_skip"):  # As in StableDiffusionPipeline.encode_prompt.
        last = getattr(pipe.text_encoder, "text_model", pipe.text_encoder).final_layer_norm(out.hidden_states[-(c["clip_skip"] + 1)])
    return {"in.ids": ids.to(torch.int64), "out.last_hidden_state": last}


def case_unet(c, pipe, model_dir):
    g = torch.Generator().manual_seed(c["seed"])
    b, h, w = c["batch"], c["height"], c["width"]
    for lora in c.get("loras", []):
        path = model_dir / lora["file"]
        if not path.exists():
            write_lora(path, pipe.unet, lora.get("seed", 7), lora["style"], lora.get("rank", 4))
    for path in (model_dir / lora["file"] for lora in c.get("loras", [])):
        pipe.load_lora_weights(str(path.parent), weight_name=path.name, adapter_name=path.stem)
    if c.get("loras"):
        pipe.set_adapters([Path(l["file"]).stem for l in c["loras"]], [l["scale"] for l in c["loras"]])
    sample = torch.randn((b, 4, h, w), generator=g)
    text = torch.randn((b, 77, pipe.unet.config.cross_attention_dim), generator=g)
    steps = torch.tensor((c["timesteps"] * b)[:b], dtype=torch.int64)
    w = c.get("guidance_embedding")
    cond = None if w is None else LatentConsistencyModelPipeline.get_guidance_scale_embedding(
        None, torch.tensor([w] * b), pipe.unet.config.time_cond_proj_dim)
    return {"in.sample": sample, "in.timestep": steps, "in.encoder_hidden_states": text,
            **run_hooked(c, pipe.unet, g, sample, steps, text, timestep_cond=cond)}


def case_vae_encode(c, pipe, model_dir):
    image = frames(c["batch"], c["height"], c["width"], c["seed"])
    code = pipe.vae.encode(image * 2 - 1)
    latents = code.latents if hasattr(code, "latents") else code.latent_dist.mode()
    return {"in.image": image, "out.latents": latents * pipe.vae.config.scaling_factor}


def case_vae_decode(c, pipe, model_dir):
    g = torch.Generator().manual_seed(c["seed"])
    latents = torch.randn((c["batch"], 4, c["height"] // 8, c["width"] // 8), generator=g)
    return {"in.latents": latents, "out.image": pipe.vae.decode(latents / pipe.vae.config.scaling_factor).sample}


def case_filter(c, pipe, model_dir):
    images = frames(c["frames"], c["height"], c["width"], c["seed"], c.get("still", ()), c.get("drift", 0.0))
    draws = np.random.default_rng(c["seed"]).uniform(size=c["frames"])
    filt = SimilarImageFilter(c["threshold"], c["max_skip_frame"])
    kept, used = [], iter(draws.tolist())
    real, random.uniform = random.uniform, lambda a, b: next(used)
    try:
        for f in images:
            kept.append(0 if filt((f * 2 - 1).unsqueeze(0)) is None else 1)
    finally:
        random.uniform = real
    return {"in.frames": images, "in.uniform": torch.from_numpy(draws), "out.kept": torch.tensor(kept, dtype=torch.int64)}


class ReferenceStream(StreamDiffusion):
    """The original StreamDiffusion with its mistakes fixed. Elsewhere it computes what the original does.

    With one denoising step, the residual of `self` guidance is the step's noise at every frame (eq. 5); the original feeds it back
    and diverges. A new prompt keeps the negative rows. v prediction is converted to noise prediction before guidance.
    AutoencoderKL encodes the mean.
    """

    def prepare(self, *args, **kwargs):
        super().prepare(*args, **kwargs)
        rows = self.prompt_embeds.shape[0] - self.batch_size
        self.negative_embeds = self.prompt_embeds[:rows]
        if self.scheduler.config.prediction_type == "v_prediction":
            network, alphas = self.pipe.unet, self.scheduler.alphas_cumprod

            def noise_prediction(x, t, **k):
                a = alphas[t].view(-1, 1, 1, 1)
                return (a.sqrt() * network(x, t, **k)[0] + (1 - a).sqrt() * x,)

            self.unet = noise_prediction

    def update_prompt(self, prompt):
        super().update_prompt(prompt)
        self.prompt_embeds = torch.cat([self.negative_embeds, self.prompt_embeds])

    def encode_image(self, image_tensors):
        code = self.vae.encode(image_tensors)
        latents = code.latents if hasattr(code, "latents") else code.latent_dist.mode()
        return self.add_noise(latents * self.vae.config.scaling_factor, self.init_noise[0], 0)

    def predict_x0_batch(self, x_t_latent):
        if self.use_denoising_batch and self.denoising_steps_num == 1:
            self.stock_noise = self.init_noise.clone()
        return super().predict_x0_batch(x_t_latent)


def run_stream(c, pipe, inputs, steps, step_noise=None):
    """Runs a stream without a frame buffer; the last input repeats. Returns x0, images, initial noise and timesteps."""
    s = ReferenceStream(pipe, t_index_list=c["t_index_list"], torch_dtype=torch.float32, width=c["width"], height=c["height"],
                        do_add_noise=c.get("do_add_noise", True), use_denoising_batch=step_noise is None, cfg_type=c["cfg_type"])
    s.prepare(prompt=c["prompt"], negative_prompt=c.get("negative_prompt", ""),
              num_inference_steps=c.get("num_inference_steps", 50), guidance_scale=c["guidance_scale"],
              delta=c.get("delta", 1.0), generator=torch.Generator(), seed=c["seed"])
    noise, timesteps = s.init_noise.clone(), torch.stack(s.sub_timesteps).to(torch.int64)
    real = torch.randn_like
    draws = iter([] if step_noise is None else step_noise.flatten(0, 1))
    torch.randn_like = lambda x, **k: next(draws)
    x0, images = [], []
    try:
        for i in range(steps):
            for e in c.get("events", []):
                if e["frame"] == i:
                    if "prompt" in e:
                        s.update_prompt(e["prompt"])
                    s.guidance_scale, s.delta = e.get("guidance_scale", s.guidance_scale), e.get("delta", s.delta)
            x = inputs[min(i, len(inputs) - 1)][None]
            if c["input"] == "images":
                x = s.encode_image(s.image_processor.preprocess(x, s.height, s.width))
            x0.append(s.predict_x0_batch(x))
            images.append(s.decode_image(x0[-1]))
    finally:
        torch.randn_like = real
    return torch.cat(x0), torch.cat(images), noise, timesteps


def case_stream(c, pipe, model_dir):
    if c.get("cross_frame_attention"):
        pipe.unet.set_attn_processor({k: CrossFrameAttention() if k.endswith("attn1.processor") else v
                                      for k, v in pipe.unet.attn_processors.items()})
    n, b, steps = len(c["t_index_list"]), c.get("frame_buffer_size", 1), c["frames"]
    g = torch.Generator().manual_seed(c["seed"] + 1)
    if c["input"] == "images":
        key, inputs = "in.frames", frames(steps * b, c["height"], c["width"], c["seed"])
    else:
        key, inputs = "in.latents", torch.randn((steps * b, 4, c["height"] // 8, c["width"] // 8), generator=g)
    t = {key: inputs}
    if c.get("use_denoising_batch", True):
        if b == 1:
            x0, images, noise, timesteps = run_stream(c, pipe, inputs, steps)
        else:  # The results of single frames, in the order in which batches of b frames come out.
            assert not c.get("events") and not c.get("cross_frame_attention") and c["cfg_type"] != "initialize"
            x0, images, noise, timesteps = run_stream(c, pipe, inputs, steps * b + n - 1)
            order = [m if m < n - 1 else (m - n + 1) * b + r + n - 1 for m in range(steps) for r in range(b)]
            x0, images = x0[order], images[order]
    elif c["input"] == "images":  # Sequential with fixed noise: the images of the stream batch without its delay.
        x0, images, noise, timesteps = run_stream(c, pipe, inputs, steps + n - 1)
        x0, images = x0[n - 1:], images[n - 1:]
    else:  # Sequential with fresh noise between the steps.
        t["in.step_noise"] = torch.randn((steps, n - 1, 1) + tuple(inputs.shape[1:]), generator=g)
        x0, images, noise, timesteps = run_stream(c, pipe, inputs, steps, t["in.step_noise"])
    if not c.get("noise_from_seed"):
        t["in.init_noise"] = noise
    return dict(t, **{"out.timesteps": timesteps, "out.x0": x0, "out.images": images})


def write_cases(out, models, cases, merges_file):
    out = Path(out)
    (out / "models").mkdir(parents=True, exist_ok=True)
    single_files = {name: write_single_file(out / "models" / f"{name}.safetensors.gz", spec, merges_file)
                    for name, spec in models.items() if "single_file" in spec}
    for name, spec in models.items():
        if name not in single_files and not (out / "models" / name).exists():
            write_model(out / "models" / name, spec, merges_file)
    for name, c in cases.items():
        model_dir = out / "models" / c["model"]
        start = time.time()
        pipe = single_files.get(c["model"]) or load(model_dir)
        if "vae" in c:
            pipe.vae = AutoencoderTiny.from_pretrained(os.path.normpath(out / name / c["vae"])).float().eval()
        tensors = globals()["case_" + c["kind"]](c, pipe, model_dir)
        folder = out / name
        folder.mkdir(parents=True, exist_ok=True)
        description = dict(c, model="../models/" + c["model"] + (".safetensors.gz" if c["model"] in single_files else ""))
        (folder / "case.json").write_text(json.dumps(description, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        save_file({k: v.contiguous().clone() for k, v in tensors.items()}, str(folder / "tensors.safetensors"))
        worst = max((v.abs().max().item() for k, v in tensors.items() if k.startswith("out.") and v.is_floating_point()), default=0)
        print(f"{name}: {c['kind']}, largest output {worst:.3f}, {time.time() - start:.1f} s", flush=True)


TEXT15 = dict(hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4, hidden_act="quick_gelu")
TEXT21 = dict(hidden_size=48, intermediate_size=96, num_hidden_layers=3, num_attention_heads=3, hidden_act="gelu")
TINY = dict(encoder_block_out_channels=(8, 8, 8, 8), decoder_block_out_channels=(8, 8, 8, 8),
            num_encoder_blocks=(1, 2, 2, 2), num_decoder_blocks=(2, 2, 2, 1))
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
}
# Small models of other shapes, for tests of the networks only.
TEXT_SMALL = dict(hidden_size=20, intermediate_size=28, num_hidden_layers=3, num_attention_heads=5, hidden_act="quick_gelu")
TINY_SMALL = dict(encoder_block_out_channels=(6,) * 4, decoder_block_out_channels=(6,) * 4,
                  num_encoder_blocks=(1, 0, 1, 0), num_decoder_blocks=(1, 0, 0, 0))
SMALL = dict(merges=1, dtype="float16", text=TEXT_SMALL, vae_kind="tiny", vae=TINY_SMALL)
KL_SMALL = dict(latent_channels=4, down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4)
MODELS |= {
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
}
STREAM = dict(kind="stream", width=96, height=64, frames=6, seed=11, input="images", prompt="a red boat on a lake",
              negative_prompt="low quality", guidance_scale=1.2)
CASES = {
    "noise-2": dict(kind="noise", model="tiny-sd15", seed=2, shapes=[[3, 4, 8, 12], [7], [16], [1, 4, 5, 7], [33]]),
    "noise-large-seed": dict(kind="noise", model="tiny-sd15", seed=2**53 + 11, shapes=[[1, 4, 64, 64]]),
    "noise-successive": dict(kind="noise", model="tiny-sd15", seed=5, successive=True, shapes=[[2, 4, 8, 8], [7], [1, 4, 5, 7], [3], [64]]),
    "tokenizer-clip": dict(kind="tokenizer", model="clip-vocabulary", texts=[
        "", "a photo of a cat", "1girl with brown dog hair, thick glasses, smiling", "  Hello,   WORLD!!  it's 2024... ",
        "café naïve Über straße", "日本の桜 夜景", "🐱🚀 cat's-eye", "<|startoftext|> <|endoftext|> inside",
        "word " * 120, "tab\tnew\nline\u00a0nbsp", "x_y+z=10%; #tag @me ~/path", "ÅÄÖ ﬁ ½ ①"]),
    "text-encoder-sd15": dict(kind="text_encoder", model="tiny-sd15", texts=["a red boat on a lake", "", "low quality, blurry"]),
    "text-encoder-sd21": dict(kind="text_encoder", model="tiny-sd21", texts=["a red boat on a lake", "", "low quality, blurry"]),
    "unet-sd15": dict(kind="unet", model="tiny-sd15", batch=3, height=8, width=12, timesteps=[999, 399, 19], seed=1),
    "unet-sd21": dict(kind="unet", model="tiny-sd21", batch=2, height=16, width=12, timesteps=[759, 1], seed=2),
    "unet-kl-odd": dict(kind="unet", model="tiny-kl", batch=1, height=9, width=7, timesteps=[500], seed=3),
    "unet-lora-kohya": dict(kind="unet", model="tiny-sd15", batch=1, height=8, width=8, timesteps=[600], seed=4,
                            loras=[dict(file="lora-kohya.safetensors", style="kohya", scale=0.8)]),
    "unet-lora-diffusers": dict(kind="unet", model="tiny-sd21", batch=1, height=8, width=8, timesteps=[600], seed=5,
                                loras=[dict(file="lora-diffusers.safetensors", style="diffusers", scale=1.0)]),
    "unet-lora-processor": dict(kind="unet", model="tiny-sd15", batch=1, height=8, width=8, timesteps=[300], seed=14,
                                loras=[dict(file="lora-processor.safetensors", style="processor", scale=0.9)]),
    "unet-time-cond": dict(kind="unet", model="tiny-v", batch=2, height=8, width=8, timesteps=[901, 11], seed=15),
    "vae-encode-tiny": dict(kind="vae_encode", model="tiny-sd15", batch=2, height=64, width=96, seed=6),
    "vae-decode-tiny": dict(kind="vae_decode", model="tiny-sd15", batch=2, height=64, width=96, seed=7),
    "vae-encode-kl": dict(kind="vae_encode", model="tiny-kl", batch=1, height=64, width=96, seed=8),
    "vae-decode-kl": dict(kind="vae_decode", model="tiny-kl", batch=1, height=64, width=96, seed=9),
    "filter": dict(kind="filter", model="tiny-sd15", frames=40, height=32, width=48, seed=10, threshold=0.9,
                   max_skip_frame=4, still=list(range(3, 14)) + list(range(20, 31))),
    "filter-drift": dict(kind="filter", model="tiny-sd15", frames=60, height=32, width=48, seed=16, threshold=0.97, max_skip_frame=3, drift=0.05),
    "stream-img2img-none": dict(STREAM, model="tiny-sd15", t_index_list=[22, 32, 45], cfg_type="none"),
    "stream-img2img-full": dict(STREAM, model="tiny-sd15", t_index_list=[22, 32, 45], cfg_type="full", guidance_scale=1.8),
    "stream-img2img-self": dict(STREAM, model="tiny-sd15", t_index_list=[22, 32, 45], cfg_type="self", guidance_scale=1.4, delta=0.5),
    "stream-img2img-initialize": dict(STREAM, model="tiny-sd21", t_index_list=[20, 35], cfg_type="initialize", guidance_scale=1.6),
    "stream-img2img-turbo": dict(STREAM, model="tiny-sd21", t_index_list=[35], cfg_type="none", frames=3),
    "stream-txt2img-batch": dict(STREAM, model="tiny-sd21", t_index_list=[0, 16, 32, 45], cfg_type="self", input="latents", frames=8),
    "stream-txt2img-sequential": dict(STREAM, model="tiny-sd15", t_index_list=[0, 16, 32, 45], cfg_type="none", input="latents",
                                      use_denoising_batch=False, frames=2),
    "stream-no-added-noise": dict(STREAM, model="tiny-sd15", t_index_list=[22, 40], cfg_type="none", do_add_noise=False),
    "stream-self-no-added-noise": dict(STREAM, model="tiny-sd15", t_index_list=[22, 40], cfg_type="self", guidance_scale=1.4, do_add_noise=False),
    "stream-initialize-no-added-noise": dict(STREAM, model="tiny-sd21", t_index_list=[22, 32, 40], cfg_type="initialize", do_add_noise=False),
    "stream-self-one-step": dict(STREAM, model="tiny-sd15", t_index_list=[32], cfg_type="self", guidance_scale=1.7),
    "stream-guidance-one": dict(STREAM, model="tiny-sd15", t_index_list=[22, 40], cfg_type="self", guidance_scale=1.0),
    "stream-v-prediction": dict(STREAM, model="tiny-v", t_index_list=[15, 30, 44], cfg_type="full", guidance_scale=1.5),
    "stream-boundary-scalings": dict(STREAM, model="tiny-boundary", t_index_list=[20, 35, 47], cfg_type="self", guidance_scale=1.3),
    "stream-kl": dict(STREAM, model="tiny-kl", t_index_list=[25, 40], cfg_type="none", noise_from_seed=True),
    "stream-sequential-images": dict(STREAM, model="tiny-sd15", t_index_list=[22, 32, 45], cfg_type="self", guidance_scale=1.4, use_denoising_batch=False),
    "stream-frame-buffer-steps": dict(STREAM, model="tiny-sd15", t_index_list=[22, 40], cfg_type="self", frame_buffer_size=3, frames=4),
    "stream-prompt-change-full": dict(STREAM, model="tiny-sd21", t_index_list=[25, 40], cfg_type="full", guidance_scale=2.0, frames=7,
                                      events=[dict(frame=2, prompt="a green hill under snow"), dict(frame=4, guidance_scale=1.4), dict(frame=5, prompt="night")]),
    "stream-prompt-change-initialize": dict(STREAM, model="tiny-sd15", t_index_list=[20, 30, 40], cfg_type="initialize", frames=7, noise_from_seed=True,
                                            events=[dict(frame=2, prompt="a green hill under snow"), dict(frame=4, delta=0.6)]),
    "stream-frame-buffer": dict(STREAM, model="tiny-sd15", t_index_list=[30], cfg_type="none", frame_buffer_size=3, frames=2),
    "stream-cross-frame": dict(STREAM, model="tiny-sd15", t_index_list=[22, 32, 45], cfg_type="self", cross_frame_attention=True),
    "stream-prompt-change": dict(STREAM, model="tiny-sd15", t_index_list=[25, 40], cfg_type="self", frames=7,
                                 events=[dict(frame=3, prompt="a green hill under snow")]),
}

CASES |= {
    "unet-sdxs": dict(kind="unet", model="small-sdxs", batch=2, height=8, width=6, timesteps=[999, 42], seed=20),
    "unet-sdxs-odd": dict(kind="unet", model="small-sdxs", batch=1, height=11, width=5, timesteps=[249], seed=21),
    "unet-bk-sdm": dict(kind="unet", model="small-bk-sdm", batch=2, height=16, width=8, timesteps=[700, 3], seed=22),
    "unet-bk-sdm-odd": dict(kind="unet", model="small-bk-sdm", batch=1, height=5, width=13, timesteps=[120], seed=23),
    "unet-deep-lora": dict(kind="unet", model="small-deep", batch=1, height=8, width=8, timesteps=[500], seed=24,
                             loras=[dict(file="lora-kohya.safetensors", style="kohya", scale=0.7, rank=2),
                                    dict(file="lora-diffusers.safetensors", style="diffusers", scale=-0.4, seed=8, rank=1)]),
    "unet-mid": dict(kind="unet", model="small-mid", batch=3, height=6, width=10, timesteps=[0, 1, 998], seed=25),
    "unet-guidance-embedding": dict(kind="unet", model="small-mid", batch=2, height=6, width=6, timesteps=[799, 259], seed=26, guidance_embedding=7.5),
    "unet-deep": dict(kind="unet", model="small-deep", batch=1, height=10, width=6, timesteps=[321], seed=27),
    "unet-residuals": dict(kind="unet", model="small-mid", batch=2, height=7, width=6, timesteps=[800, 10], seed=50, residuals=True),
    "unet-residuals-no-mid": dict(kind="unet", model="small-sdxs", batch=1, height=8, width=6, timesteps=[400], seed=51, residuals=True),
    "unet-image-prompt": dict(kind="unet", model="small-deep", batch=3, height=8, width=6, timesteps=[700, 20, 300], seed=52, image_scales=[0.6, 1.0, -0.5]),
    "unet-feature-bank": dict(kind="unet", model="small-deep", batch=2, height=6, width=6, timesteps=[600, 90], seed=53, bank_tokens=11),
    "unet-hooks": dict(kind="unet", model="small-mid", batch=2, height=5, width=6, timesteps=[500, 250], seed=54, residuals=True,
                       image_scales=[0.8, 0.8], bank_tokens=5),
    "vae-encode-taesd": dict(kind="vae_encode", model="small-sdxs", batch=1, height=40, width=24, seed=28),
    "vae-decode-taesd": dict(kind="vae_decode", model="small-sdxs", batch=1, height=40, width=24, seed=29),
    "vae-encode-uneven": dict(kind="vae_encode", model="small-bk-sdm", batch=2, height=24, width=32, seed=30),
    "vae-decode-uneven": dict(kind="vae_decode", model="small-bk-sdm", batch=2, height=24, width=32, seed=31),
    "vae-encode-kl-odd-groups": dict(kind="vae_encode", model="small-mid", batch=2, height=40, width=24, seed=32),
    "vae-decode-kl-odd-groups": dict(kind="vae_decode", model="small-mid", batch=2, height=40, width=24, seed=33),
    "vae-encode-kl-plain": dict(kind="vae_encode", model="small-deep", batch=1, height=24, width=24, seed=34),
    "vae-decode-kl-plain": dict(kind="vae_decode", model="small-deep", batch=1, height=24, width=24, seed=35),
    "text-encoder-clip-skip": dict(kind="text_encoder", model="small-sdxs", texts=["a red boat", ""], clip_skip=1),
}

# Checkpoints in one file. Tensors do not tell the numbers of groups and heads, so these are as in every Stable Diffusion. There
# are 32 groups, and eight heads or heads of 64 channels.
TEXT_SINGLE = dict(hidden_size=64, intermediate_size=96, num_attention_heads=1)
MODELS |= {
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
SINGLE_STREAM = dict(STREAM, width=24, height=24, frames=3, t_index_list=[22, 40])
SD2_VAE = dict(vae="../models/small-sdxs/vae")
CASES |= {
    "single-file-sd1-unet": dict(kind="unet", model="single-sd1", batch=1, height=8, width=8, timesteps=[259], seed=40),
    "single-file-sd1-text-encoder": dict(kind="text_encoder", model="single-sd1", texts=["a red boat on a lake"]),
    "single-file-sd1-vae-encode": dict(kind="vae_encode", model="single-sd1", batch=1, height=24, width=16, seed=41),
    "single-file-sd1-vae-decode": dict(kind="vae_decode", model="single-sd1", batch=1, height=24, width=16, seed=42),
    "single-file-sd1-stream": dict(SINGLE_STREAM, model="single-sd1", cfg_type="self"),
    "single-file-sd2-unet": dict(kind="unet", model="single-sd2", batch=1, height=8, width=8, timesteps=[999], seed=43, **SD2_VAE),
    "single-file-sd2-text-encoder": dict(kind="text_encoder", model="single-sd2", texts=["a red boat on a lake"], **SD2_VAE),
    "single-file-sd2-stream": dict(SINGLE_STREAM, model="single-sd2", cfg_type="full", guidance_scale=1.8, **SD2_VAE),
}

if __name__ == "__main__":
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--out", default="cases")
    p.add_argument("--merges", help="bpe_simple_vocab_16e6.txt.gz (default: the copy in the package open_clip_torch)")
    p.add_argument("--only", nargs="*", metavar="NAME", help="cases to write (default: all)")
    a = p.parse_args()
    if not a.merges:
        import importlib.util
        a.merges = str(Path(importlib.util.find_spec("open_clip").origin).parent / "bpe_simple_vocab_16e6.txt.gz")
    cases = {name: c for name, c in CASES.items() if not a.only or name in a.only}
    write_cases(a.out, {c["model"]: MODELS[c["model"]] for c in cases.values()}, cases, a.merges)
