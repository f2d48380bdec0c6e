"""Starts training from the text encoder and UNet of another model, whose latents may be rotated."""

import random

import torch
from diffusers import AutoencoderTiny, UNet2DConditionModel
from transformers import CLIPTextModel

import encode
import model
import views


def rotation_between(theirs, ours):
    """Returns the rotation R for which R * theirs is nearest to ours; both have mean 0. A rotation does not change the noise's
    distribution, so it can be folded into the first and the last convolution of a denoiser."""
    u, _, v = torch.linalg.svd(ours.T @ theirs)
    return u @ v


def networks_of(folder):
    unet = UNet2DConditionModel.from_pretrained(folder / "unet").float()
    return model.Denoiser(CLIPTextModel.from_pretrained(folder / "text_encoder").float(), unet)


@torch.no_grad()
def denoiser_of(folder, vae, things):
    """Loads the denoiser of a model folder and adapts it to the latents of `vae`."""
    denoiser = networks_of(folder)
    unet = denoiser.unet
    other = AutoencoderTiny.from_pretrained(folder / "vae").float()
    pictures = [views.view(things, random.randrange(len(things.names)), 128)[0] for _ in range(200)]

    def pixels(autoencoder):
        latents = torch.cat(
            [encode.encoded(autoencoder, pictures[at : at + 20], vae.device) for at in range(0, len(pictures), 20)]
        )
        flat = latents.float().movedim(1, -1).flatten(0, -2)
        return flat - flat.mean(0)

    rotation = rotation_between(pixels(other.to(vae.device)), pixels(vae)).cpu()
    unet.conv_in.weight.copy_(torch.einsum("oiyx,ji->ojyx", unet.conv_in.weight, rotation))
    unet.conv_out.weight.copy_(torch.einsum("oiyx,jo->jiyx", unet.conv_out.weight, rotation))
    unet.conv_out.bias.copy_(rotation @ unet.conv_out.bias)
    return denoiser
