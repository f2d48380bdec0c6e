"""Writes random LoRAs under the names that trainers give to their tensors."""
import torch
from safetensors.torch import save_file


def write_lora(path, unet, seed, style, rank=4):
    """Writes a LoRA over attention, projection and convolution layers. `style` is the naming: diffusers, kohya or processor."""
    g = torch.Generator().manual_seed(seed)
    out = {}
    for name, m in unet.named_modules():
        wanted = (any(s in name for s in ("to_q", "to_k", "to_v", "to_out.0", "proj_in", "proj_out", "ff.net.0.proj", "ff.net.2"))
                  or (style == "kohya" and (name.endswith(("conv1", "conv2", "time_emb_proj", "conv_shortcut", "samplers.0.conv"))
                                            or name.startswith("time_embedding.linear"))))
        if style == "processor":  # The oldest naming, for attention only.
            wanted = any(s in name for s in ("to_q", "to_k", "to_v", "to_out.0"))
        if not wanted or not hasattr(m, "weight"):
            continue
        w = m.weight
        down = torch.randn((rank,) + tuple(w.shape[1:]), generator=g) / w[0].numel() ** 0.5
        up = torch.randn((w.shape[0], rank) + (1,) * (w.dim() - 2), generator=g) * 0.3
        if style == "kohya":
            key = "lora_unet_" + name.replace(".", "_")
            out[key + ".lora_down.weight"], out[key + ".lora_up.weight"] = down, up
            out[key + ".alpha"] = torch.tensor(float(rank) / 2)
        elif style == "processor":
            attention, projection = name.replace("to_out.0", "to_out").rsplit(".", 1)
            key = f"unet.{attention}.processor.{projection}_lora"
            out[key + ".down.weight"], out[key + ".up.weight"] = down, up
        else:
            out[f"unet.{name}.lora_A.weight"], out[f"unet.{name}.lora_B.weight"] = down, up
    save_file(out, str(path))
