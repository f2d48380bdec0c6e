#!/usr/bin/env python3
"""Trains text encoder and UNet on the latents of encode.py.

    train.py --size 16 --minutes 60              the inner UNet, on small pictures, to OUTPUT/denoiser-16.pt
    train.py --size 32 --minutes 40              the whole one, grown around it, to OUTPUT/denoiser-32.pt

Interrupted, the same command goes on where it was. OUTPUT/samples-SIZE.png shows how far it is.
"""

import argparse
import random
from pathlib import Path

import torch
from diffusers import AutoencoderTiny
from PIL import Image
from transformers import CLIPTokenizer

import model
import start
import views
from training import Trainer, Workers

TOKENIZER = Path(__file__).parents[2] / "models/default/tokenizer"
RATES = {16: (1.2e-3, 1e-4), 32: (7e-4, 2e-5)}
REPORT_EVERY = 50
SHEET_EVERY = 200
SHEET = [
    "cat face",
    "penguin on a light blue background",
    "red apple",
    "rocket on a black background",
    "house",
    "tulip on a yellow background",
    "grinning face",
    "strawberry on a pink background",
    "octopus",
    "bicycle on a green background",
    "two fish",
    "sun and cloud",
]


class Captioned:
    """Latents in random order, with captions and timesteps."""

    def __init__(self, path, things, tokenizer, schedule, device):
        stored = torch.load(path, weights_only=True)
        self.latents, self.shown = stored["latents"], stored["shown"]
        self.things, self.tokenizer, self.schedule, self.device = things, tokenizer, schedule, device
        self.order = []

    def captions(self, indices):
        """A tenth is empty: what guidance starts from, and what an unknown prompt is near to."""
        return ["" if random.random() < 0.1 else views.caption(self.things, self.shown[index]) for index in indices]

    def batch(self, count):
        while len(self.order) < count:
            self.order += random.sample(range(len(self.latents)), len(self.latents))
        indices, self.order = self.order[:count], self.order[count:]
        ids = model.tokenize(self.tokenizer, self.captions(indices)).to(self.device)
        x = self.latents[indices].float().to(self.device, memory_format=torch.channels_last)
        # Stratified: each batch has all noise levels.
        t = ((torch.arange(count) + torch.rand(count)) * 1000 / count).long().to(self.device)
        return x, t, ids


def new_denoiser(size, output, tokenizer, begin_with, vae, things):
    if size == 16 and begin_with:
        return start.denoiser_of(begin_with, vae, things)
    if size == 16:
        return model.Denoiser(model.new_text_encoder(tokenizer), model.half_size_unet())
    inner = model.Denoiser(model.new_text_encoder(tokenizer), model.half_size_unet())
    inner.load_state_dict(torch.load(output / "denoiser-16.pt", weights_only=True)["average"])
    return model.Denoiser(inner.text_encoder, model.grown(inner.unet))


def loss_of(denoiser, schedule, x, t, ids):
    noise = torch.randn_like(x)
    predicted = denoiser(schedule.noisy(x, noise, t), t, ids).float()
    return (predicted - schedule.velocity(x, noise, t)).square().mean()


@torch.no_grad()
def write_sheet(denoiser, vae, schedule, tokenizer, prompts, size, path, device):
    """A row in one step, one in four, one in twenty steps of DDIM."""
    generator = torch.Generator().manual_seed(7)
    noise = torch.randn((len(prompts), 4, size, size), generator=generator).to(device)
    ids = model.tokenize(tokenizer, prompts).to(device)
    rows = [
        model.sample(denoiser, schedule, ids, noise, model.lcm_timesteps(indices), generator)
        for indices in ((0,), (0, 16, 32, 45))
    ]
    rows.append(model.sample_ddim(denoiser, schedule, ids, noise, 20))
    pictures = [torch.cat(list(vae.decode(row).sample), 2) for row in rows]
    sheet = ((torch.cat(pictures, 1).clamp(-1, 1) + 1) * 127.5).round().byte().permute(1, 2, 0).cpu().numpy()
    Image.fromarray(sheet).save(path)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("train-data"))
    parser.add_argument("--output", type=Path, default=Path("train-output"))
    parser.add_argument("--size", type=int, choices=(16, 32), default=16, help="side of the latents")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument(
        "--begin-with", type=Path, help="with --size 16: begin with the networks of another model folder"
    )
    parser.add_argument("--batch", type=int, default=32, help="samples a step and process")
    parser.add_argument("--compile", action="store_true", help="by torch.compile: minutes to start, then a third quicker")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--seed", type=int, default=3)
    arguments = parser.parse_args()
    workers = Workers(arguments.device, arguments.seed)
    device, size, output = workers.device, arguments.size, arguments.output
    tokenizer = CLIPTokenizer.from_pretrained(TOKENIZER)
    schedule = model.Schedule(device)
    vae = AutoencoderTiny.from_pretrained(output / "vae").to(device)
    things = views.Things(arguments.data)
    denoiser = new_denoiser(size, output, tokenizer, arguments.begin_with, vae, things).to(
        device, memory_format=torch.channels_last
    )
    trainer = Trainer(denoiser, workers, arguments.minutes, *RATES[size], 0.998, output / f"denoiser-{size}.pt")
    if arguments.compile:
        denoiser.unet.compile()
    data = Captioned(output / f"latents-{size}.pt", things, tokenizer, schedule, device)
    while (progress := trainer.progress()) < 1:
        x, t, ids = data.batch(arguments.batch)
        with trainer.autocast():
            loss = loss_of(denoiser, schedule, x, t, ids)
        trainer.update(loss, progress, arguments.batch)
        if trainer.step % REPORT_EVERY == 0:
            trainer.report(progress)
        if trainer.step % SHEET_EVERY == 0 and workers.is_first:
            write_sheet(
                trainer.average.module, vae, schedule, tokenizer, SHEET, size, output / f"samples-{size}.png", device
            )
            trainer.save()
    trainer.save()
    if workers.is_first:
        write_sheet(
            trainer.average.module, vae, schedule, tokenizer, SHEET, size, output / f"samples-{size}.png", device
        )


if __name__ == "__main__":
    main()
