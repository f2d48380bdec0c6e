#!/usr/bin/env python3
"""Writes the trained model as a diffusers folder in float16."""

import argparse
import json
import shutil
from pathlib import Path

import torch
from diffusers import AutoencoderTiny, LCMScheduler
from transformers import CLIPTokenizer

import model
import start
import train


@torch.no_grad()
def average(denoiser, folder):
    """Averages the weights with those of a model folder ("model soups", Wortsman et al. 2022, arXiv 2203.05482)."""
    other = start.networks_of(folder)
    for parameter, value in zip(denoiser.parameters(), other.parameters(), strict=True):
        parameter.lerp_(value, 0.5)


def forget_origin(config):
    """Removes the path from which the network was read."""
    values = json.loads(config.read_text())
    values.pop("_name_or_path", None)
    config.write_text(json.dumps(values, indent=2) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=Path("train-output"), help="where the training wrote to")
    parser.add_argument("--checkpoint", default="denoiser-32.pt", help="of train.py --size 32")
    parser.add_argument("--vae", default="vae", help="of train_autoencoder.py, or vae-sharpened of sharpen_decoder.py")
    parser.add_argument(
        "--average-with",
        type=Path,
        help="the model that training began with: the mean of both networks' weights keeps what either does well",
    )
    parser.add_argument("folder", type=Path, help="where the model goes")
    arguments = parser.parse_args()
    tokenizer = CLIPTokenizer.from_pretrained(train.TOKENIZER)
    denoiser = model.Denoiser(model.new_text_encoder(tokenizer), model.full_size_unet())
    denoiser.load_state_dict(torch.load(arguments.output / arguments.checkpoint, weights_only=True)["average"])
    if arguments.average_with:
        average(denoiser, arguments.average_with)
    parts = {
        "text_encoder": denoiser.text_encoder,
        "unet": denoiser.unet,
        "vae": AutoencoderTiny.from_pretrained(arguments.output / arguments.vae),
    }
    for name, part in parts.items():
        part.half().save_pretrained(arguments.folder / name)
        forget_origin(arguments.folder / name / "config.json")
    LCMScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        original_inference_steps=50,
        clip_sample=False,
        set_alpha_to_one=False,
        steps_offset=1,
        timestep_scaling=10.0,
        prediction_type="v_prediction",
    ).save_pretrained(arguments.folder / "scheduler")
    if arguments.folder.resolve() != train.TOKENIZER.parent.resolve():
        shutil.copytree(train.TOKENIZER, arguments.folder / "tokenizer", dirs_exist_ok=True)
    index = {
        "_class_name": "StableDiffusionPipeline",
        "text_encoder": ["transformers", "CLIPTextModel"],
        "tokenizer": ["transformers", "CLIPTokenizer"],
        "unet": ["diffusers", "UNet2DConditionModel"],
        "scheduler": ["diffusers", "LCMScheduler"],
        "vae": ["diffusers", "AutoencoderTiny"],
        "safety_checker": [None, None],
        "feature_extractor": [None, None],
    }
    (arguments.folder / "model_index.json").write_text(json.dumps(index, indent=1))


if __name__ == "__main__":
    main()
