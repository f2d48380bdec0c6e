#!/usr/bin/env python3
"""Draws views of the things in things.txt and writes their latents to OUTPUT/latents-SIZE.pt. SIZE is the latents' side."""

import argparse
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderTiny

import views
from training import Workers


@torch.no_grad()
def encoded(vae, pictures, device):
    x = torch.from_numpy(np.stack([np.asarray(picture) for picture in pictures])).permute(0, 3, 1, 2)
    x = (x.float() / 127.5 - 1).to(device, memory_format=torch.channels_last)
    with torch.autocast(device.type, torch.bfloat16):
        return vae.encode(x).latents.half().cpu()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("train-data"))
    parser.add_argument("--output", type=Path, default=Path("train-output"))
    parser.add_argument("--size", type=int, default=32, help="side of the latents: an eighth of the pictures'")
    parser.add_argument("--things", type=int, default=len(views.THINGS), help="only the first so many of things.txt")
    parser.add_argument("--views", type=int, default=40, help="views of each thing")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--seed", type=int, default=2)
    arguments = parser.parse_args()
    device = Workers(arguments.device, arguments.seed).device
    vae = AutoencoderTiny.from_pretrained(arguments.output / "vae").to(device, memory_format=torch.channels_last)
    things = views.Things(arguments.data, arguments.things)
    latents, shown = [], []
    for _ in range(arguments.views):
        for start in range(0, len(things.names), 20):
            drawn = [
                views.view(things, thing, 8 * arguments.size)
                for thing in range(start, min(start + 20, len(things.names)))
            ]
            latents.append(encoded(vae, [picture for picture, _ in drawn], device))
            shown += [what for _, what in drawn]
    latents = torch.cat(latents)
    torch.save({"latents": latents, "shown": shown}, arguments.output / f"latents-{arguments.size}.pt")
    print(f"{len(latents)} latents, mean {latents.float().mean((0, 2, 3))}, deviation {latents.float().std((0, 2, 3))}")


if __name__ == "__main__":
    main()
