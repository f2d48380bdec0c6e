#!/usr/bin/env python3
"""Latent consistency distillation: trains a copy of OUTPUT/denoiser-32.pt to predict in one step what the original reaches in
many steps with guidance. One to four steps without guidance then give an image. Writes OUTPUT/distilled.pt."""

import argparse
import copy
import random
from pathlib import Path

import torch
from diffusers import AutoencoderTiny
from transformers import CLIPTokenizer

import model
import train
import views
from training import Trainer, Workers

STEPS = 50  # Length of the schedule that StreamDiffusion's t indices count in.
SKIP = 40  # Timesteps of one step of the teacher.
REPORT_EVERY = 25
SHEET_EVERY = 200


def timesteps(count, device):
    """Draws timesteps of the schedule. A quarter are the first one, pure noise, from which single-step sampling starts."""
    indices = [0 if random.random() < 0.25 else random.randrange(STEPS) for _ in range(count)]
    return torch.tensor(model.lcm_timesteps(indices), device=device)


@torch.no_grad()
def one_step_on(teacher, schedule, noisy, t, ids, empty, guidance):
    """Takes a guided DDIM step of the teacher over SKIP timesteps. Returns the latents, their timesteps and if they are clean."""
    both = teacher(torch.cat((noisy, noisy)), torch.cat((t, t)), torch.cat((ids, empty))).float()
    conditional, unconditional = both.chunk(2)
    v = unconditional + guidance * (conditional - unconditional)
    x, noise = schedule.clean(noisy, v, t), schedule.noise(noisy, v, t)
    after = (t - SKIP).clamp(min=0)
    done = (t < SKIP)[:, None, None, None]
    return torch.where(done, x, schedule.noisy(x, noise, after)), after, done


def loss_of(student, target, teacher, schedule, batch, empty, guidance):
    x, t, ids = batch
    noise = torch.randn_like(x)
    noisy = schedule.noisy(x, noise, t)
    v = student(noisy, t, ids).float()
    with torch.no_grad():
        cleaner, after, done = one_step_on(teacher, schedule, noisy, t, ids, empty.expand(len(x), -1), guidance)
        wanted = torch.where(done, cleaner, schedule.clean(cleaner, target(cleaner, after, ids).float(), after))
    difference = schedule.clean(noisy, v, t) - wanted
    consistency = ((difference.square() + 1e-4).sqrt() - 1e-2).mean()
    # The second term keeps the student close to the training images.
    return consistency + 0.25 * (v - schedule.velocity(x, noise, t)).square().mean()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("train-data"))
    parser.add_argument("--output", type=Path, default=Path("train-output"))
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--batch", type=int, default=16, help="samples a step and process")
    parser.add_argument("--guidance", type=float, default=2.0, help="guidance scale that is baked in")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--seed", type=int, default=4)
    arguments = parser.parse_args()
    workers = Workers(arguments.device, arguments.seed)
    device, output = workers.device, arguments.output
    tokenizer = CLIPTokenizer.from_pretrained(train.TOKENIZER)
    schedule = model.Schedule(device)
    vae = AutoencoderTiny.from_pretrained(output / "vae").to(device)
    teacher = model.Denoiser(model.new_text_encoder(tokenizer), model.full_size_unet())
    teacher.load_state_dict(torch.load(output / "denoiser-32.pt", weights_only=True)["average"])
    teacher.requires_grad_(False).to(device, memory_format=torch.channels_last)
    student = copy.deepcopy(teacher).requires_grad_(True)
    trainer = Trainer(student, workers, arguments.minutes, 2e-4, 1e-5, 0.98, output / "distilled.pt")
    data = train.Captioned(output / "latents-32.pt", views.Things(arguments.data), tokenizer, device)
    empty = model.tokenize(tokenizer, [""]).to(device)
    while (progress := trainer.progress()) < 1:
        with trainer.autocast():
            loss = loss_of(
                student,
                trainer.average.module,
                teacher,
                schedule,
                data.batch(arguments.batch, timesteps(arguments.batch)),
                empty,
                arguments.guidance,
            )
        trainer.update(loss, progress, arguments.batch)
        if trainer.step % REPORT_EVERY == 0:
            trainer.report(progress)
        if workers.is_first and trainer.step % SHEET_EVERY == 0:
            train.write_sheet(
                trainer.average.module,
                vae,
                schedule,
                tokenizer,
                train.SHEET,
                32,
                output / "samples-distilled.png",
                device,
            )
            trainer.save()
    trainer.save()
    if workers.is_first:
        train.write_sheet(
            trainer.average.module, vae, schedule, tokenizer, train.SHEET, 32, output / "samples-distilled.png", device
        )


if __name__ == "__main__":
    main()
