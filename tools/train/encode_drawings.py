#!/usr/bin/env python3
"""Makes rough drawings of the things in things.txt and writes their latents, and those of what they are to become, to
OUTPUT/drawings-SIZE/NUMBER.pt. SIZE is the latents' side. Files that exist are kept. train.py reads new ones while it runs.
"""

import argparse
import random
from pathlib import Path

import torch
from diffusers import AutoencoderTiny

import drawings
import encode
import views
from training import Workers

PLACES = 4  # A drawing takes ten times as long to make as to be placed, so each is shown at several places.


def pairs_of(picture, size):
    """Returns the same rough drawing of a thing at several places, with the exact pictures."""
    drawn, exact = drawings.rough_and_exact(picture, random)
    return [drawings.pair(drawn, exact, 8 * size, random) for _ in range(PLACES)]


def one_file(vae, things, size, device):
    drawn, exact, shown = [], [], []
    for thing, picture in enumerate(things.pictures):
        pairs = pairs_of(picture, size)
        drawn.append(encode.encoded(vae, [pair.drawn for pair in pairs], device))
        exact.append(encode.encoded(vae, [pair.exact for pair in pairs], device))
        shown += [{"thing": thing, "colour": pair.colour} for pair in pairs]
    return {"drawn": torch.cat(drawn), "exact": torch.cat(exact), "shown": shown}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("train-data"))
    parser.add_argument("--output", type=Path, default=Path("train-output"))
    parser.add_argument("--size", type=int, default=32, help="side of the latents: an eighth of the pictures'")
    parser.add_argument("--files", type=int, default=20, help=f"files of {PLACES} drawings of each thing")
    parser.add_argument("--first", type=int, default=0, help="number of the first file; lets processes share the work")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--seed", type=int, default=6)
    arguments = parser.parse_args()
    folder = arguments.output / f"drawings-{arguments.size}"
    folder.mkdir(parents=True, exist_ok=True)
    vae = AutoencoderTiny.from_pretrained(arguments.output / "vae").to(memory_format=torch.channels_last)
    things = views.Things(arguments.data)
    for number in range(arguments.first, arguments.first + arguments.files):
        path = folder / f"{number:03}.pt"
        if path.exists():
            continue
        device = Workers(arguments.device, arguments.seed + number).device
        torch.save(one_file(vae.to(device), things, arguments.size, device), path.with_suffix(".new"))
        path.with_suffix(".new").replace(path)
        print(path, flush=True)


if __name__ == "__main__":
    main()
