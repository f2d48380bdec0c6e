#!/usr/bin/env python3
"""Writes a full-size model with random weights and the shapes of a published model, for benchmarks.

    pip install torch diffusers transformers numpy
    python tools/make_random_model.py sd-turbo FOLDER

The result is a Hugging Face diffusers folder in float16 with TAESD as its autoencoder. The tensors' names and shapes come
from diffusers and transformers. Weights are drawn one tensor at a time, which needs little memory.
Nothing is downloaded: the tokenizer is copied from the reference cases (or --tokenizer FOLDER).
"""
import argparse
import json
import shutil
import struct
from pathlib import Path

import diffusers
import numpy as np
import torch
from transformers import CLIPTextConfig, CLIPTextModel

TOKENIZER = Path(__file__).resolve().parent.parent / "tests/conformance/cases/models/clip-vocabulary/tokenizer"
BETAS = dict(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear")

CLIP_VIT_L = dict(hidden_size=768, intermediate_size=3072, num_hidden_layers=12, num_attention_heads=12,
                  hidden_act="quick_gelu")
OPENCLIP_VIT_H = dict(hidden_size=1024, intermediate_size=4096, num_hidden_layers=23, num_attention_heads=16,
                      hidden_act="gelu")
THREE_ATTENTION = dict(down_block_types=("CrossAttnDownBlock2D",) * 3, up_block_types=("CrossAttnUpBlock2D",) * 3)
SD15_UNET = dict(sample_size=64, cross_attention_dim=768, attention_head_dim=8)

MODELS = {
    "sd-turbo": dict(text=OPENCLIP_VIT_H, pad="!", scheduler="EulerDiscreteScheduler",
                     unet=dict(sample_size=64, cross_attention_dim=1024, attention_head_dim=(5, 10, 20, 20),
                               use_linear_projection=True)),
    "sd15": dict(text=CLIP_VIT_L, scheduler="PNDMScheduler", unet=SD15_UNET),
    "lcm-dreamshaper": dict(text=CLIP_VIT_L, scheduler="LCMScheduler", unet=dict(SD15_UNET, time_cond_proj_dim=256)),
    "sdxs": dict(text=OPENCLIP_VIT_H, pad="!", scheduler="EulerDiscreteScheduler",
                 unet=dict(sample_size=64, cross_attention_dim=1024, attention_head_dim=(5, 10, 20), use_linear_projection=True,
                           block_out_channels=(320, 640, 1280), layers_per_block=1, mid_block_type=None,
                           down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
                           up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"))),
    "bk-sdm-tiny": dict(text=CLIP_VIT_L, scheduler="PNDMScheduler",
                        unet=dict(SD15_UNET, **THREE_ATTENTION, block_out_channels=(320, 640, 1280), layers_per_block=1,
                                  mid_block_type=None)),
}


def random_tensor(name, shape, generator):
    """Returns weights like the reference cases': layers preserve the scale of activations, and no parameter is 0 or 1."""
    values = generator.standard_normal(shape, dtype=np.float32)
    if len(shape) > 1:
        return values / np.float32(np.prod(shape[1:])) ** np.float32(0.5)
    if name.endswith("weight"):
        return 1 + np.float32(0.2) * values
    return np.float32(0.1) * values


def write_weights(path, shapes, generator):
    """Writes a float16 safetensors file: the header's length, the header, and the tensors in turn."""
    header, end = {"__metadata__": {"format": "pt"}}, 0
    for name, shape in shapes.items():
        start, end = end, end + 2 * int(np.prod(shape))
        header[name] = {"dtype": "F16", "shape": list(shape), "data_offsets": [start, end]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for name, shape in shapes.items():
            file.write(random_tensor(name, shape, generator).astype("<f2").tobytes())


def write_network(folder, stem, module, generator):
    shapes = {name: tuple(p.shape) for name, p in module.named_parameters()}
    if stem == "model":  # Key names of published text encoders, whichever this version of transformers writes.
        shapes = {"text_model." + name.removeprefix("text_model."): shape for name, shape in shapes.items()}
    folder.mkdir(parents=True, exist_ok=True)
    (module.save_config if hasattr(module, "save_config") else module.config.save_pretrained)(folder)
    write_weights(folder / f"{stem}.safetensors", shapes, generator)
    return sum(int(np.prod(shape)) for shape in shapes.values())


def copy_tokenizer(source, folder, pad):
    """Copies the tokenizer and sets the token that pads prompts. Returns the vocabulary's size."""
    shutil.copytree(source, folder, dirs_exist_ok=True)
    for name in ("tokenizer_config.json", "special_tokens_map.json"):
        if (folder / name).exists():
            settings = json.loads((folder / name).read_text(encoding="utf-8"))
            settings["pad_token"] = pad
            (folder / name).write_text(json.dumps(settings, indent=1), encoding="utf-8")
    return len(json.loads((folder / "vocab.json").read_text(encoding="utf-8")))


def write_model(folder, spec, tokenizer, seed):
    generator = np.random.default_rng(seed)
    vocabulary = copy_tokenizer(tokenizer, folder / "tokenizer", spec.get("pad", "<|endoftext|>"))
    with torch.device("meta"):  # Makes shapes without memory.
        networks = {
            "text_encoder": ("model", CLIPTextModel(CLIPTextConfig(
                vocab_size=vocabulary, max_position_embeddings=77, bos_token_id=vocabulary - 2,
                eos_token_id=vocabulary - 1, **spec["text"]))),
            "unet": ("diffusion_pytorch_model", diffusers.UNet2DConditionModel(**spec["unet"])),
            "vae": ("diffusion_pytorch_model", diffusers.AutoencoderTiny()),
        }
    for name, (stem, module) in networks.items():
        parameters = write_network(folder / name, stem, module, generator)
        print(f"{name}: {parameters / 1e6:.1f} M parameters", flush=True)
    getattr(diffusers, spec["scheduler"])(**BETAS).save_pretrained(folder / "scheduler")
    (folder / "model_index.json").write_text(json.dumps({
        "_class_name": "StableDiffusionPipeline",
        "text_encoder": ["transformers", "CLIPTextModel"], "tokenizer": ["transformers", "CLIPTokenizer"],
        "unet": ["diffusers", "UNet2DConditionModel"], "vae": ["diffusers", "AutoencoderTiny"],
        "scheduler": ["diffusers", spec["scheduler"]],
        "safety_checker": [None, None], "feature_extractor": [None, None]}, indent=1) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", choices=MODELS)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--tokenizer", type=Path, default=TOKENIZER, help="folder with vocab.json and merges.txt")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    if not (arguments.tokenizer / "vocab.json").exists():
        parser.error(f"no vocab.json in {arguments.tokenizer}; give a CLIP tokenizer's folder with --tokenizer")
    write_model(arguments.folder, MODELS[arguments.model], arguments.tokenizer, arguments.seed)
