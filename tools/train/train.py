#!/usr/bin/env python3
"""Trains the text encoder and the UNet on the latents of encode.py.

    train.py --size 16 --minutes 60              trains the inner UNet on small images, to OUTPUT/denoiser-16.pt
    train.py --size 32 --minutes 40              trains the whole UNet, built around the inner one, to OUTPUT/denoiser-32.pt
    train.py --size 32 --other-sizes 16=0.1 48=0.5 --begin-with MODEL      continues with a model, at several sizes
    train.py --size 32 --drawings 0.7 --begin-with MODEL     teaches a model to redraw rough drawings

After an interruption, the same command continues. OUTPUT/samples-SIZE.png shows current results.
"""

import argparse
import random
from pathlib import Path

import torch
from diffusers import AutoencoderTiny
from PIL import Image
from transformers import CLIPTokenizer

import captioned
import model
import start
import views
from adversarial import Adversary, Discriminator
from captioned import BACKGROUND_IS_SEEN_BELOW
from training import Trainer, Workers

TOKENIZER = Path(__file__).parents[2] / "models/default/tokenizer"
RATES = {16: (1.2e-3, 1e-4), 32: (7e-4, 2e-5)}
RATES_OF_MORE = (4e-4, 1e-5)  # Learning rates for a model that is already trained.
NOISE_ALONE_FROM = 960  # Timestep from which training shows pure noise, because sampling begins with it.
REDRAWN_BELOW = 450  # Timestep below which some samples begin with what the denoiser draws from more noise.
REDRAWN_SHARE = 0.5
ADVERSARIAL_SHARE = 0.2
WIDTHS = (64, 128)  # Channels of the discriminator's layers.
LEAST_VARIANCE = 0.1  # At less noise (timesteps below 90) samples do not count more. The last step of a schedule is at 99.
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


def size_and_share(text):
    """Parses a size and its share, such as "16=0.1"."""
    size, share = text.split("=")
    return int(size), float(share)


class Sizes:
    """Chooses the size of each step, the same in all processes. Each other size gets its share of the steps, the model's own the
    rest. Batches of all sizes cost about the same."""

    def __init__(self, size, others, batch, seed):
        self.size, self.batch = size, batch
        self.shares = {size: 1 - sum(others.values()), **others}
        self.random = random.Random(seed)

    def next(self):
        (size,) = self.random.choices(list(self.shares), self.shares.values())
        return size, max(1, min(2 * self.batch, self.batch * self.size**2 // size**2))


def new_denoiser(size, output, tokenizer, begin_with, vae, things):
    if begin_with:
        return start.denoiser_of(begin_with, vae, things)
    if size == 16:
        return model.Denoiser(model.new_text_encoder(tokenizer), model.half_size_unet())
    inner = model.Denoiser(model.new_text_encoder(tokenizer), model.half_size_unet())
    inner.load_state_dict(torch.load(output / "denoiser-16.pt", weights_only=True)["average"])
    return model.Denoiser(inner.text_encoder, model.grown(inner.unet))


class Samples:
    """Samples of one size: views, and drawings where noise still shows them. Where it does not, only the one place that views show
    things in gives sharp images in one step."""

    def __init__(self, output, side, drawn_share, things, tokenizer, device):
        self.views = captioned.Views(output / f"latents-{side}.pt", things, tokenizer, device)
        self.drawn_share = drawn_share
        if drawn_share > 0:
            self.drawings = captioned.Drawings(output / f"drawings-{side}", things, tokenizer, device)

    def batch(self, count):
        t = captioned.stratified_timesteps(count)
        is_drawn = (t < BACKGROUND_IS_SEEN_BELOW) & (torch.rand(count) < self.drawn_share)
        if not is_drawn.any():
            return self.views.batch(t)
        if is_drawn.all():  # A batch of large images is small.
            return self.drawings.batch(t)
        return self.drawings.batch(t[is_drawn]).joined(self.views.batch(t[~is_drawn]))

    def read_new_files(self):
        if self.drawn_share > 0:
            self.drawings.read_new_files()


@torch.no_grad()
def redraw_some(denoiser, schedule, batch):
    """Replaces some of the latents that begin at low noise by what the denoiser makes of them from more noise, as in sampling of
    several steps (the backward simulation of DMD2, Yin et al. 2024, arXiv 2405.14867). It learns to sharpen what it drew."""
    device = batch.t.device
    chosen = ((batch.t < REDRAWN_BELOW) & (torch.rand(len(batch.t), device=device) < REDRAWN_SHARE)).nonzero()[:, 0]
    if len(chosen) == 0:
        return
    earlier = torch.randint(REDRAWN_BELOW, BACKGROUND_IS_SEEN_BELOW, (len(chosen),), device=device)
    start = batch.start[chosen]
    noisy = schedule.noisy(start, torch.randn_like(start), earlier)
    predicted = denoiser(noisy, earlier, batch.ids[chosen]).float()
    batch.start = batch.start.index_copy(0, chosen, schedule.clean(noisy, predicted, earlier))


def clean_of(denoiser, schedule, batch):
    """Returns the clean latents that the denoiser predicts."""
    shown = batch.start * (batch.t < NOISE_ALONE_FROM)[:, None, None, None]
    noisy = schedule.noisy(shown, torch.randn_like(shown), batch.t)
    return schedule.clean(noisy, denoiser(noisy, batch.t, batch.ids).float(), batch.t)


def loss_of(schedule, batch, clean):
    """Returns the mean squared error of clean latents in proportion to the noise's variance. Of samples that are to stay what they
    are this is the error of v."""
    _, sigma = schedule.coefficients(batch.t)
    return ((clean - batch.x).square() / sigma.square().clamp(min=LEAST_VARIANCE)).mean()


@torch.no_grad()
def write_sheet(denoiser, vae, schedule, tokenizer, prompts, size, path, device):
    """Writes an image with three rows of samples: one step, four steps, and twenty steps of DDIM."""
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


def sheet_path(output, size):
    return output / f"samples-{size}.png"


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("train-data"))
    parser.add_argument("--output", type=Path, default=Path("train-output"))
    parser.add_argument("--size", type=int, choices=(16, 32), default=16, help="side of the latents")
    parser.add_argument(
        "--other-sizes",
        type=size_and_share,
        nargs="*",
        default=[],
        metavar="SIDE=SHARE",
        help="other sides, and the share of steps that have them",
    )
    parser.add_argument(
        "--drawings",
        type=float,
        default=0.0,
        metavar="SHARE",
        help="share of drawings (encode_drawings.py) among the samples that show their place",
    )
    parser.add_argument(
        "--adversarial", action="store_true", help="sharpen by an adversarial loss, best after most of the training"
    )
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--begin-with", type=Path, help="the networks of a model folder, of the same shape")
    parser.add_argument("--batch", type=int, default=32, help="samples a step and process")
    parser.add_argument(
        "--compile", action="store_true", help="by torch.compile: minutes to start, then a third quicker"
    )
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--seed", type=int, default=3)
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    workers = Workers(arguments.device, arguments.seed)
    device, size, output = workers.device, arguments.size, arguments.output
    tokenizer = CLIPTokenizer.from_pretrained(TOKENIZER)
    schedule = model.Schedule(device)
    vae = AutoencoderTiny.from_pretrained(output / "vae").to(device)
    things = views.Things(arguments.data)
    denoiser = new_denoiser(size, output, tokenizer, arguments.begin_with, vae, things).to(
        device, memory_format=torch.channels_last
    )
    rates = RATES_OF_MORE if size == 32 and arguments.begin_with else RATES[size]
    trainer = Trainer(denoiser, workers, arguments.minutes, *rates, 0.998, output / f"denoiser-{size}.pt")
    adversary = None
    if arguments.adversarial:
        adversary = Adversary(Discriminator(4, WIDTHS), workers, arguments.minutes, output / f"discriminator-{size}.pt")
    if arguments.compile:
        denoiser.unet.compile(dynamic=False)
    sizes = Sizes(size, dict(arguments.other_sizes), arguments.batch, arguments.seed)
    data = {
        side: Samples(output, side, arguments.drawings, things, tokenizer, device) for side in sizes.shares
    }
    while (progress := trainer.progress()) < 1:
        side, count = sizes.next()
        batch = data[side].batch(count)
        with trainer.autocast():
            redraw_some(denoiser, schedule, batch)
            clean = clean_of(denoiser, schedule, batch)
            loss = loss_of(schedule, batch, clean)
            if adversary:
                last_layer = denoiser.unet.conv_out.weight
                loss = loss + adversary.loss(loss, clean, batch.x, last_layer, ADVERSARIAL_SHARE)
        trainer.update(loss, progress, count)
        if adversary:
            adversary.learn(clean, batch.x, progress)
        if trainer.step % REPORT_EVERY == 0:
            trainer.report(progress)
        if trainer.step % SHEET_EVERY == 0 and workers.is_first:
            write_sheet(trainer.average.module, vae, schedule, tokenizer, SHEET, size, sheet_path(output, size), device)
            trainer.save()
            if adversary:
                adversary.trainer.save()
            for samples in data.values():
                samples.read_new_files()
    trainer.save()
    if workers.is_first:
        for side in data:
            write_sheet(trainer.average.module, vae, schedule, tokenizer, SHEET, side, sheet_path(output, side), device)


if __name__ == "__main__":
    main()
