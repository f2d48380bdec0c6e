#!/usr/bin/env python3
"""Trains the autoencoder (diffusers' AutoencoderTiny) on the DATA of prepare_data.py and writes it to OUTPUT/vae.

After an interruption, the same command continues. `torchrun --nproc-per-node 2 train_autoencoder.py ...` uses two cores.
"""

import argparse
import copy
import random
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderTiny
from diffusers.models.autoencoders.vae import AutoencoderTinyBlock
from PIL import Image

import scenes
from training import Trainer, Workers

WIDTH = 32
REPORT_EVERY = 50


def new_autoencoder():
    vae = AutoencoderTiny(
        encoder_block_out_channels=(WIDTH,) * 4,
        decoder_block_out_channels=(WIDTH,) * 4,
        num_encoder_blocks=(0, 1, 3, 3),
        num_decoder_blocks=(3, 3, 1, 0),
    )
    with torch.no_grad():
        for layer in (*vae.encoder.layers, *vae.decoder.layers):
            if isinstance(layer, AutoencoderTinyBlock):
                layer.conv[-1].weight.mul_(0.2)
            elif isinstance(layer, torch.nn.Conv2d) and layer.in_channels == layer.out_channels:
                start_near_identity(layer)
    return vae


def start_near_identity(conv):
    """Initialises a convolution close to the identity, because training from the default start stalls for long. Each channel
    copies one pixel; channels of a layer that halves the size copy each of the four pixels in turn."""
    conv.weight.normal_(0, 0.03)
    for channel in range(conv.out_channels):
        x, y = (channel % 2, channel // 2 % 2) if conv.stride == (2, 2) else (0, 0)
        conv.weight[channel, channel, 1 + y, 1 + x] += 1


def batch_of(pictures, count, size):
    crops = np.stack([np.asarray(scenes.crop_of_scene(pictures, size)) for _ in range(count)])
    return torch.from_numpy(crops).permute(0, 3, 1, 2).float() / 127.5 - 1


def pyramid_loss(difference):
    """Returns the sum of the L1 losses at each scale, so that colour drift and blur count as much as single pixels."""
    total = 0.0
    for _ in range(3):
        coarse = F.avg_pool2d(difference, 2)
        total = total + (difference - F.interpolate(coarse, scale_factor=2)).abs().mean()
        difference = coarse
    return total + difference.abs().mean()


def loss_of(vae, x, progress, anchor=None):
    """Returns the loss of a batch. With `anchor`, an autoencoder, latents are kept close to its latents."""
    latents = vae.encode(x).latents.float()
    noise = 0.06 * progress * torch.randn_like(latents)
    difference = vae.decode(latents + noise).sample.float() - x
    loss = difference.abs().mean() + 0.5 * pyramid_loss(difference) + 1.5 * difference.square().mean()
    if anchor is not None:
        with torch.no_grad():
            wanted = anchor.encode(x).latents.float()
        return loss + 0.3 * (latents - wanted).square().mean()
    moments = latents.mean((0, 2, 3)).square().mean() + (latents.std((0, 2, 3)) - 1).square().mean()
    return loss + 0.05 * moments


def held_out(data, pictures):
    """Returns 256x256 images by kind, none of them seen in training."""
    state = random.getstate()
    random.seed(5)
    scenes_256 = [
        scenes.pasted(scenes.background(256, pictures.photos[:1]), emoji, random.uniform(150, 230))
        for emoji in pictures.held_out_emoji[:32]
    ]
    random.setstate(state)

    def square(path):
        photo = scenes.load(path, "RGB")
        side = min(photo.size)
        return photo.resize(
            (256, 256),
            Image.Resampling.LANCZOS,
            (
                (photo.width - side) // 2,
                (photo.height - side) // 2,
                (photo.width + side) // 2,
                (photo.height + side) // 2,
            ),
        )

    sets = {"emoji scenes": scenes_256}
    for kind in ("wallpapers", "photos"):
        sets[kind] = [square(path) for path in sorted((data / "held_out" / kind).glob("*.jpg"))]
    return {
        kind: torch.from_numpy(np.stack([np.asarray(p) for p in set_])).permute(0, 3, 1, 2).float() / 127.5 - 1
        for kind, set_ in sets.items()
    }


@torch.no_grad()
def reconstruct(vae, x):
    return torch.cat([vae.decode(vae.encode(part).latents).sample.clamp(-1, 1) for part in x.split(4)])


def psnr(x, y):
    return (10 * torch.log10(4 / (x - y).square().mean((1, 2, 3)))).mean().item()


def write_sheet(vae, sets, path, device):
    rows = torch.cat([set_[:6] for set_ in sets.values()]).to(device)
    pairs = torch.cat((rows, reconstruct(vae, rows)), 2)
    sheet = ((torch.cat(list(pairs), 2) + 1) * 127.5).round().byte().permute(1, 2, 0).cpu().numpy()
    Image.fromarray(sheet).save(path)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("train-data"))
    parser.add_argument("--output", type=Path, default=Path("train-output"), help="where checkpoints and results go")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument(
        "--begin-with",
        type=Path,
        help="go on with the autoencoder of a model folder, and stay so near to its latents that its UNet stays right",
    )
    parser.add_argument("--batch", type=int, default=24, help="crops a step and process")
    parser.add_argument("--clipart", type=int, default=2500, help="how many of the clip arts to hold in memory")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    workers = Workers(arguments.device, arguments.seed)
    pictures = scenes.Pictures(arguments.data, arguments.clipart)
    begin_with = arguments.begin_with
    vae = AutoencoderTiny.from_pretrained(begin_with / "vae").float() if begin_with else new_autoencoder()
    vae.to(workers.device, memory_format=torch.channels_last)
    anchor = copy.deepcopy(vae).requires_grad_(False) if begin_with else None
    trainer = Trainer(vae, workers, arguments.minutes, 1.5e-3, 2e-5, 0.99, arguments.output / "autoencoder.pt")
    sets = held_out(arguments.data, pictures)
    while (progress := trainer.progress()) < 1:
        size = 64 if progress < 0.6 and not anchor else 128
        count = arguments.batch * (64 * 64 * 2) // (size * size)
        x = batch_of(pictures, count, size).to(workers.device, memory_format=torch.channels_last)
        with trainer.autocast():
            loss = loss_of(vae, x, progress, anchor)
        trainer.update(loss, progress, count)
        if trainer.step % REPORT_EVERY == 0:
            figures = ""
            if workers.is_first and trainer.step % (REPORT_EVERY * 8) == 0:
                average = trainer.average.module
                few = sets["emoji scenes"][:8].to(workers.device)
                figures = f"emoji {psnr(reconstruct(average, few), few):.2f} dB"
                write_sheet(average, sets, arguments.output / "autoencoder.png", workers.device)
                trainer.save()
            trainer.report(progress, figures)
    trainer.save()
    if workers.is_first:
        average = trainer.average.module.float()
        for kind, set_ in sets.items():
            set_ = set_.to(workers.device)
            print(f"{kind}: {psnr(reconstruct(average, set_), set_):.2f} dB", flush=True)
        write_sheet(average, sets, arguments.output / "autoencoder.png", workers.device)
        average.save_pretrained(arguments.output / "vae")


if __name__ == "__main__":
    main()
