"""A diffusers model folder as the evaluation uses it: prompts, or prompts and pictures, to pictures."""

import numpy as np
import torch
from diffusers import AutoencoderTiny, LCMScheduler, UNet2DConditionModel
from PIL import Image
from transformers import CLIPTextModel, CLIPTokenizer

import model

FOUR_STEPS = (0, 16, 32, 45)
OTHER_SIZES = (16, 24, 40, 48)  # Sides of the latents.
BATCH = 10


class ModelFolder:
    """A diffusers model folder with this program's way of sampling."""

    def __init__(self, folder):
        self.tokenizer = CLIPTokenizer.from_pretrained(folder / "tokenizer")
        text_encoder = CLIPTextModel.from_pretrained(folder / "text_encoder").float()
        self.denoiser = model.Denoiser(
            text_encoder, UNet2DConditionModel.from_pretrained(folder / "unet").float()
        ).eval()
        self.vae = AutoencoderTiny.from_pretrained(folder / "vae").float().eval()
        self.schedule = model.Schedule("cpu", LCMScheduler.from_pretrained(folder / "scheduler").config.prediction_type)
        self.size = self.denoiser.unet.config.sample_size

    @torch.no_grad()
    def pictures(self, prompts, indices, seed, start=None, size=None):
        """Makes an image of each prompt, with sides of 8 * size pixels. Transforms the images in `start` if given."""
        size = size or self.size
        generator = torch.Generator().manual_seed(seed)
        result = []
        for at in range(0, len(prompts), BATCH):
            ids = model.tokenize(self.tokenizer, prompts[at : at + BATCH])
            noise = torch.randn((len(ids), 4, size, size), generator=generator)
            latents = self.vae.encode(as_input(start[at : at + BATCH])).latents if start else None
            x = model.sample(self.denoiser, self.schedule, ids, noise, model.lcm_timesteps(indices), generator, latents)
            decoded = ((self.vae.decode(x).sample.clamp(-1, 1) + 1) * 127.5).round().byte()
            result += [Image.fromarray(picture) for picture in decoded.permute(0, 2, 3, 1).numpy()]
        return result


def as_input(pictures):
    return (
        torch.from_numpy(np.stack([np.asarray(picture) for picture in pictures])).permute(0, 3, 1, 2).float() / 127.5
        - 1
    )
