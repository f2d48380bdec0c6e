"""Computes the tensors of each kind of case (tests/conformance/FORMAT.md)."""
import random
from pathlib import Path

import numpy as np
import torch
from diffusers import LatentConsistencyModelPipeline
from loras import write_lora
from moving_images import frames
from reference_stream import CrossFrameAttention, run_stream
from streamdiffusion.image_filter import SimilarImageFilter
from unet_hooks import run_hooked


def noise(c, pipe, model_dir):
    g = torch.Generator().manual_seed(c["seed"])
    return {f"out.{i}": torch.randn(shape, generator=g if c.get("successive") else torch.Generator().manual_seed(c["seed"]))
            for i, shape in enumerate(c["shapes"])}


def tokenizer(c, pipe, model_dir):
    ids = pipe.tokenizer(c["texts"], padding="max_length", max_length=77, truncation=True, return_tensors="pt").input_ids
    return {"out.ids": ids.to(torch.int64)}


def text_encoder(c, pipe, model_dir):
    ids = pipe.tokenizer(c["texts"], padding="max_length", max_length=77, truncation=True, return_tensors="pt").input_ids
    out = pipe.text_encoder(ids, output_hidden_states=True)
    last = out.last_hidden_state
    if c.get("clip_skip"):  # As in StableDiffusionPipeline.encode_prompt.
        last = getattr(pipe.text_encoder, "text_model", pipe.text_encoder).final_layer_norm(out.hidden_states[-(c["clip_skip"] + 1)])
    return {"in.ids": ids.to(torch.int64), "out.last_hidden_state": last}


def unet(c, pipe, model_dir):
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


def vae_encode(c, pipe, model_dir):
    image = frames(c["batch"], c["height"], c["width"], c["seed"])
    code = pipe.vae.encode(image * 2 - 1)
    latents = code.latents if hasattr(code, "latents") else code.latent_dist.mode()
    return {"in.image": image, "out.latents": latents * pipe.vae.config.scaling_factor}


def vae_decode(c, pipe, model_dir):
    g = torch.Generator().manual_seed(c["seed"])
    latents = torch.randn((c["batch"], 4, c["height"] // 8, c["width"] // 8), generator=g)
    return {"in.latents": latents, "out.image": pipe.vae.decode(latents / pipe.vae.config.scaling_factor).sample}


def frame_filter(c, pipe, model_dir):
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


def stream(c, pipe, model_dir):
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


KINDS = {"noise": noise, "tokenizer": tokenizer, "text_encoder": text_encoder, "unet": unet, "vae_encode": vae_encode, "vae_decode": vae_decode,
         "filter": frame_filter, "stream": stream}
