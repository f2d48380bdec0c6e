#!/usr/bin/env python3
"""Trains a LoRA on a pencil style that is computed from the training images, as an example of a LoRA for this model. Replace
`pencil` for another style."""

import argparse
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderTiny, StableDiffusionPipeline, UNet2DConditionModel
from peft import LoraConfig
from peft.utils import get_peft_model_state_dict
from PIL import Image, ImageFilter
from transformers import CLIPTextModel, CLIPTokenizer

import encode
import model
import train
import views
from training import Trainer, Workers

VIEWS = 4
LAYERS = ["to_q", "to_k", "to_v", "to_out.0", "conv1", "conv2", "conv_in", "conv_out"]
REPORT_EVERY = 25
PAPER = np.array([252, 248, 238], dtype=np.uint8)


def pencil(picture):
    """Turns an image into a pencil drawing: lines where it is darker than its surroundings, and light shading, on paper."""
    colours = np.asarray(picture, dtype=float)
    around = np.asarray(picture.filter(ImageFilter.GaussianBlur(picture.width / 50)), dtype=float)
    lines = np.minimum(1.0, (colours + 8) / (around + 8)).min(2) ** 0.8
    shade = 0.82 + 0.18 * colours.mean(2) / 255
    return Image.fromarray(((lines * shade)[..., None] * PAPER).astype(np.uint8))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="the model")
    parser.add_argument("--data", type=Path, default=Path("train-data"))
    parser.add_argument("--output", type=Path, default=Path("train-output"))
    parser.add_argument("--things", type=int, default=len(views.THINGS), help="only the first so many of things.txt")
    parser.add_argument("--minutes", type=float, default=6)
    parser.add_argument("--rank", type=int, default=4)
    parser.add_argument("--batch", type=int, default=16, help="samples a step and process")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--seed", type=int, default=6)
    arguments = parser.parse_args()
    workers = Workers(arguments.device, arguments.seed)
    device = workers.device
    tokenizer = CLIPTokenizer.from_pretrained(arguments.folder / "tokenizer")
    schedule = model.Schedule(device)
    vae = AutoencoderTiny.from_pretrained(arguments.folder / "vae").float().to(device)
    unet = UNet2DConditionModel.from_pretrained(arguments.folder / "unet").float().requires_grad_(False)
    unet.add_adapter(LoraConfig(r=arguments.rank, lora_alpha=arguments.rank, target_modules=LAYERS))
    text_encoder = CLIPTextModel.from_pretrained(arguments.folder / "text_encoder").float().requires_grad_(False)
    denoiser = model.Denoiser(text_encoder, unet).to(device, memory_format=torch.channels_last)
    things = views.Things(arguments.data, arguments.things)
    drawn = [views.view(things, thing, 256) for thing in range(len(things.names)) for _ in range(VIEWS)]
    latents = torch.cat(
        [
            encode.encoded(vae, [pencil(picture) for picture, _ in drawn[at : at + 20]], device)
            for at in range(0, len(drawn), 20)
        ]
    )
    arguments.output.mkdir(parents=True, exist_ok=True)
    stored = arguments.output / "latents-pencil.pt"
    torch.save({"latents": latents, "shown": [shown for _, shown in drawn]}, stored)
    data = train.Captioned(stored, things, tokenizer, device)
    trainer = Trainer(denoiser, workers, arguments.minutes, 2e-3, 5e-5, 0.98, arguments.output / "lora.pt")
    while (progress := trainer.progress()) < 1:
        x, t, ids = data.batch(arguments.batch)
        with trainer.autocast():
            loss = train.loss_of(denoiser, schedule, x, t, ids)
        trainer.update(loss, progress, arguments.batch)
        if trainer.step % REPORT_EVERY == 0:
            trainer.report(progress)
    if workers.is_first:
        average = trainer.average.module
        train.write_sheet(
            average, vae, schedule, tokenizer, train.SHEET, 32, arguments.output / "samples-lora.png", device
        )
        layers = {key: value.half().contiguous() for key, value in get_peft_model_state_dict(average.unet).items()}
        StableDiffusionPipeline.save_lora_weights(arguments.output / "pencil", unet_lora_layers=layers)


if __name__ == "__main__":
    main()
