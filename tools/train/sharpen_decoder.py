#!/usr/bin/env python3
"""Sharpens the decoder of OUTPUT/vae by an adversarial loss, on the DATA of prepare_data.py. The encoder stays as it is, so a
UNet's latents stay right.

A decoder that was trained for small differences alone gives the mean of all images that a latent may stand for, which is soft. After an
interruption, the same command continues.
"""

import argparse
from pathlib import Path

import torch
import torch.nn.functional as F
from diffusers import AutoencoderTiny
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

import scenes
import train_autoencoder
from training import Trainer, Workers

CROP = 128
NOISE = 0.03  # Of latents, because those of a UNet are not exact.
ADVERSARIAL_SHARE = 0.4  # Gradient of the adversarial loss in proportion to that of the differences, at the last layer.
MATCHING_WEIGHT = 1.0
REPORT_EVERY = 50


class Discriminator(nn.Module):
    """Judges each patch of an image, as in "Image-to-Image Translation with Conditional Adversarial Networks" (Isola et al. 2017,
    arXiv 1611.07004). Returns the judgement and the features of each layer."""

    def __init__(self, width=32):
        super().__init__()
        widths = [3, width, 2 * width, 4 * width]
        self.layers = nn.ModuleList(
            spectral_norm(nn.Conv2d(before, after, 4, 2, 1)) for before, after in zip(widths, widths[1:])
        )
        self.last = spectral_norm(nn.Conv2d(widths[-1], 1, 3, 1, 1))

    def forward(self, x):
        features = []
        for layer in self.layers:
            x = F.leaky_relu(layer(x), 0.2)
            features.append(x)
        return self.last(x), features


def discriminator_loss(discriminator, real, decoded):
    """Returns the hinge loss."""
    of_real, of_decoded = discriminator(real)[0].float(), discriminator(decoded)[0].float()
    return F.relu(1 - of_real).mean() + F.relu(1 + of_decoded).mean()


def adversarial_weight(differences, adversarial, last_layer):
    """Returns the weight at which both losses have gradients of the wanted proportion, as in VQGAN (Esser et al. 2021, arXiv
    2012.09841)."""
    norms = [torch.autograd.grad(loss, last_layer, retain_graph=True)[0].norm() for loss in (differences, adversarial)]
    return ADVERSARIAL_SHARE * (norms[0] / (norms[1] + 1e-6)).clamp(max=100.0)


def decoder_loss(vae, discriminator, real, decoded):
    difference = decoded.float() - real
    differences = difference.abs().mean() + 0.5 * train_autoencoder.pyramid_loss(difference)
    judgement, features = discriminator(decoded)
    with torch.no_grad():
        wanted = discriminator(real)[1]
    matching = sum((a.float() - b.float()).abs().mean() for a, b in zip(features, wanted, strict=True)) / len(features)
    adversarial = -judgement.float().mean()
    weight = adversarial_weight(differences, adversarial, vae.decoder.layers[-1].weight)
    return differences + MATCHING_WEIGHT * matching + weight * adversarial


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
    discriminator = Discriminator().to(workers.device, memory_format=torch.channels_last)
    trainer = Trainer(vae, workers, arguments.minutes, 2e-4, 1e-5, 0.995, output / "decoder.pt")
    judge = Trainer(discriminator, workers, arguments.minutes, 4e-4, 1e-4, 0.99, output / "discriminator.pt")
    sets = train_autoencoder.held_out(arguments.data, pictures)
    while (progress := trainer.progress()) < 1:
        real = train_autoencoder.batch_of(pictures, arguments.batch, CROP)
        real = real.to(workers.device, memory_format=torch.channels_last)
        with trainer.autocast():
            with torch.no_grad():
                latents = vae.encode(real).latents
            decoded = vae.decode(latents + NOISE * torch.randn_like(latents)).sample
            loss = decoder_loss(vae, discriminator, real, decoded)
        trainer.update(loss, progress, arguments.batch)
        # The decoder's loss has left gradients in the discriminator.
        discriminator.zero_grad(set_to_none=True)
        with trainer.autocast():
            loss = discriminator_loss(discriminator, real, decoded.detach())
        judge.update(loss, progress, arguments.batch)
        if trainer.step % REPORT_EVERY == 0:
            trainer.report(progress, f"discriminator {judge.loss:.3f}")
        if trainer.step % (REPORT_EVERY * 8) == 0 and workers.is_first:
            print(figures_of(trainer.average.module, sets["emoji scenes"].to(workers.device)), flush=True)
            train_autoencoder.write_sheet(trainer.average.module, sets, output / "decoder.png", workers.device)
            trainer.save()
            judge.save()
    trainer.save()
    judge.save()
    if workers.is_first:
        average = trainer.average.module.float()
        print(figures_of(average, sets["emoji scenes"].to(workers.device)), flush=True)
        train_autoencoder.write_sheet(average, sets, output / "decoder.png", workers.device)
        average.save_pretrained(output / "vae-sharpened")


if __name__ == "__main__":
    main()
