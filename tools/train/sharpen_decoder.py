#!/usr/bin/env python3
"""Sharpens the decoder of OUTPUT/vae by an adversarial loss, on the DATA of prepare_data.py. The encoder stays as it is, so a
UNet's latents stay right. After an interruption, the same command continues.
"""

import argparse
from pathlib import Path

import torch
from diffusers import AutoencoderTiny

import scenes
import train_autoencoder
from adversarial import Adversary, Discriminator
from training import Trainer, Workers

CROP = 128
NOISE = 0.03  # Deviation of noise in the latents, because those of a UNet are not exact.
ADVERSARIAL_SHARE = 0.4
WIDTHS = (32, 64, 128)  # Channels of the discriminator's layers.
REPORT_EVERY = 50


def loss_of(vae, adversary, real, decoded):
    difference = decoded.float() - real
    differences = difference.abs().mean() + 0.5 * train_autoencoder.pyramid_loss(difference)
    last_layer = vae.decoder.layers[-1].weight
    return differences + adversary.loss(differences, decoded, real, last_layer, ADVERSARIAL_SHARE)


def gradient_energy(images):
    return sum(images.diff(dim=axis).square().mean((1, 2, 3)) for axis in (2, 3))


@torch.no_grad()
def figures_of(vae, images):
    decoded = train_autoencoder.reconstruct(vae, images)
    energy = (gradient_energy(decoded) / gradient_energy(images)).median().item()
    return f"emoji {train_autoencoder.psnr(decoded, images):.2f} dB, {energy:.2f} of the energy of gradients"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("train-data"))
    parser.add_argument("--output", type=Path, default=Path("train-output"), help="where checkpoints and results go")
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--batch", type=int, default=12, help="crops a step and process")
    parser.add_argument("--clipart", type=int, default=2500, help="how many of the clip arts to hold in memory")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--seed", type=int, default=8)
    arguments = parser.parse_args()
    workers, output = Workers(arguments.device, arguments.seed), arguments.output
    pictures = scenes.Pictures(arguments.data, arguments.clipart)
    vae = AutoencoderTiny.from_pretrained(output / "vae").float()
    vae.to(workers.device, memory_format=torch.channels_last).encoder.requires_grad_(False)
    trainer = Trainer(vae, workers, arguments.minutes, 2e-4, 1e-5, 0.995, output / "decoder.pt")
    adversary = Adversary(Discriminator(3, WIDTHS), workers, arguments.minutes, output / "discriminator.pt")
    sets = train_autoencoder.held_out(arguments.data, pictures)
    while (progress := trainer.progress()) < 1:
        real = train_autoencoder.batch_of(pictures, arguments.batch, CROP)
        real = real.to(workers.device, memory_format=torch.channels_last)
        with trainer.autocast():
            with torch.no_grad():
                latents = vae.encode(real).latents
            decoded = vae.decode(latents + NOISE * torch.randn_like(latents)).sample
            loss = loss_of(vae, adversary, real, decoded)
        trainer.update(loss, progress, arguments.batch)
        adversary.learn(decoded, real, progress)
        if trainer.step % REPORT_EVERY == 0:
            trainer.report(progress, f"discriminator {adversary.trainer.loss:.3f}")
        if trainer.step % (REPORT_EVERY * 8) == 0 and workers.is_first:
            print(figures_of(trainer.average.module, sets["emoji scenes"].to(workers.device)), flush=True)
            train_autoencoder.write_sheet(trainer.average.module, sets, output / "decoder.png", workers.device)
            trainer.save()
            adversary.trainer.save()
    trainer.save()
    adversary.trainer.save()
    if workers.is_first:
        average = trainer.average.module.float()
        print(figures_of(average, sets["emoji scenes"].to(workers.device)), flush=True)
        train_autoencoder.write_sheet(average, sets, output / "decoder.png", workers.device)
        average.save_pretrained(output / "vae-sharpened")


if __name__ == "__main__":
    main()
