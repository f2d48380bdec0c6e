"""The networks of the model, their noise schedule and sampling."""

import torch
from diffusers import UNet2DConditionModel
from diffusers.models.attention_processor import AttnProcessor
from transformers import CLIPTextConfig, CLIPTextModel

WIDTH = 192
TOKENS = 24
INNER = (48, 96, 192)
OUTER = 48


def new_text_encoder(tokenizer):
    return CLIPTextModel(
        # torch's fused attention is slow in bfloat16 on CPUs at these sizes: it took 10% of a step.
        CLIPTextConfig(
            attn_implementation="eager",
            vocab_size=len(tokenizer),
            hidden_size=WIDTH,
            intermediate_size=4 * WIDTH,
            projection_dim=WIDTH,
            num_hidden_layers=4,
            num_attention_heads=6,
            max_position_embeddings=TOKENS,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )


def new_unet(channels, sample_size):
    """Makes a UNet with attention in the two coarsest levels."""
    plain = len(channels) - 2
    return UNet2DConditionModel(
        sample_size=sample_size,
        block_out_channels=channels,
        layers_per_block=1,
        cross_attention_dim=WIDTH,
        attention_head_dim=[max(1, width // 32) for width in channels],
        norm_num_groups=16,
        down_block_types=["DownBlock2D"] * plain + ["CrossAttnDownBlock2D"] * 2,
        up_block_types=["CrossAttnUpBlock2D"] * 2 + ["UpBlock2D"] * plain,
    )


def half_size_unet():
    return new_unet(INNER, 16)


def full_size_unet():
    return new_unet((OUTER, *INNER), 32)


@torch.no_grad()
def grown(inner):
    """Adds a finer level around a UNet that was trained at half the size, at a quarter of the cost. The new UNet initially gives
    the inner one's output, upsampled by 2."""
    outer = full_size_unet()
    state = outer.state_dict()
    for key, value in inner.state_dict().items():
        parts = key.split(".")
        if parts[0] == "down_blocks":
            parts[1] = str(int(parts[1]) + 1)
        state[".".join(parts)] = value
    outer.load_state_dict(state)
    first, last = outer.down_blocks[0], outer.up_blocks[-1]
    for resnet in (*first.resnets, *last.resnets):
        resnet.conv2.weight.zero_()
        resnet.conv2.bias.zero_()
    identity = torch.zeros(OUTER, OUTER, 3, 3)
    identity[range(OUTER), range(OUTER), 1, 1] = 1
    halving = torch.zeros_like(identity)
    halving[range(OUTER), range(OUTER), 1:, 1:] = 0.25
    first.downsamplers[0].conv.weight.copy_(halving)
    first.downsamplers[0].conv.bias.zero_()
    outer.up_blocks[-2].upsamplers[0].conv.weight.copy_(identity)
    outer.up_blocks[-2].upsamplers[0].conv.bias.zero_()
    for resnet in last.resnets:
        resnet.conv_shortcut.weight.zero_()
        resnet.conv_shortcut.weight[range(OUTER), range(OUTER), 0, 0] = 1
        resnet.conv_shortcut.bias.zero_()
    return outer


class Denoiser(torch.nn.Module):
    """Text encoder and UNet, trained together."""

    def __init__(self, text_encoder, unet):
        super().__init__()
        self.text_encoder, self.unet = text_encoder, unet
        # No fused attention, as in the text encoder: here it took 40% of a step.
        unet.set_attn_processor(AttnProcessor())

    def forward(self, noisy, t, ids):
        return self.unet(noisy, t, self.text_encoder(ids)[0]).sample


def tokenize(tokenizer, captions):
    return tokenizer(captions, padding="max_length", truncation=True, max_length=TOKENS, return_tensors="pt").input_ids


class Schedule:
    """Stable Diffusion's noise schedule. The network predicts v = sqrt(a) noise - sqrt(1-a) x. Computing x at
    high noise magnifies errors of predicted noise but not of v, so one step can give a clean image. Noise prediction works too."""

    def __init__(self, device, prediction_type="v_prediction"):
        self.predicts_noise = prediction_type == "epsilon"
        betas = torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float64) ** 2
        self.alphas = torch.cumprod(1 - betas, 0).float().to(device)

    def coefficients(self, t):
        a = self.alphas[t][:, None, None, None]
        return a.sqrt(), (1 - a).sqrt()

    def noisy(self, x, noise, t):
        signal, sigma = self.coefficients(t)
        return signal * x + sigma * noise

    def velocity(self, x, noise, t):
        signal, sigma = self.coefficients(t)
        return signal * noise - sigma * x

    def clean(self, noisy, predicted, t):
        signal, sigma = self.coefficients(t)
        return (noisy - sigma * predicted) / signal if self.predicts_noise else signal * noisy - sigma * predicted

    def noise(self, noisy, predicted, t):
        signal, sigma = self.coefficients(t)
        return predicted if self.predicts_noise else sigma * noisy + signal * predicted


def lcm_timesteps(indices):
    """Converts StreamDiffusion's t indices into a schedule of 50 steps to timesteps."""
    return [1000 - 1 - 20 * index for index in indices]


@torch.no_grad()
def sample(denoiser, schedule, ids, noise, timesteps, generator, start=None):
    """Samples as LCM does: predicts the clean latents at each timestep and adds new noise in between. Starts from noised
    `start` if given, else from noise."""
    device = noise.device
    embeddings = denoiser.text_encoder(ids)[0]
    x = torch.zeros_like(noise) if start is None else start
    noisy = noise if start is None else schedule.noisy(x, noise, torch.full((len(x),), timesteps[0], device=device))
    for index, timestep in enumerate(timesteps):
        t = torch.full((len(x),), timestep, device=device)
        if index > 0:
            noisy = schedule.noisy(x, torch.randn(noise.shape, generator=generator).to(device), t)
        x = schedule.clean(noisy, denoiser.unet(noisy, t, embeddings).sample, t)
    return x


@torch.no_grad()
def sample_ddim(denoiser, schedule, ids, noise, steps):
    timesteps = [999 - 999 * index // steps for index in range(steps)]
    embeddings, noisy = denoiser.text_encoder(ids)[0], noise
    for index, timestep in enumerate(timesteps):
        t = torch.full((len(noise),), timestep, device=noise.device)
        v = denoiser.unet(noisy, t, embeddings).sample
        x, predicted = schedule.clean(noisy, v, t), schedule.noise(noisy, v, t)
        if index + 1 < steps:
            noisy = schedule.noisy(x, predicted, torch.full_like(t, timesteps[index + 1]))
    return x
