"""Runs a UNet with what other networks give it: residuals, image prompts and banks of features."""
import torch
from diffusers.models.attention_processor import IPAdapterAttnProcessor2_0
from models import randomise


class FeatureBankAttention:
    """Self-attention to its own keys and values and to those of a bank, together."""

    def __init__(self, keys, values):
        self.keys, self.values = keys, values

    def __call__(self, attn, hidden_states, encoder_hidden_states=None, attention_mask=None, temb=None, **kwargs):
        heads = lambda x: x.unflatten(-1, (attn.heads, -1)).transpose(1, 2)
        k = torch.cat([attn.to_k(hidden_states), self.keys], 1)
        v = torch.cat([attn.to_v(hidden_states), self.values], 1)
        x = torch.nn.functional.scaled_dot_product_attention(heads(attn.to_q(hidden_states)), heads(k), heads(v))
        return attn.to_out[0](x.transpose(1, 2).flatten(2))


def blocks_of(unet, attention):
    """Returns the names of all attentions `attention` (attn1 or attn2) in the order in which they compute."""
    order = lambda name: ("down", "mid", "up").index(name.split("_")[0])
    return sorted((n for n, m in unet.named_modules() if n.endswith("." + attention)), key=order)


def run_hooked(c, unet, g, sample, steps, text, **kwargs):
    """Runs the UNet with what other networks give it. Returns what they give, and the output."""
    t, b, attentions = {}, len(sample), {name.removesuffix(".processor"): p for name, p in unet.attn_processors.items()}
    if c.get("residuals"):
        shapes = []
        hooks = [unet.conv_in.register_forward_hook(lambda m, i, o: shapes.append(o.shape))]
        hooks += [m.register_forward_hook(lambda m, i, o: shapes.extend(r.shape for r in o[1])) for m in unet.down_blocks]
        unet(sample, steps, text, **kwargs)
        for hook in hooks:
            hook.remove()
        down = [0.5 * torch.randn(shape, generator=g) for shape in shapes]
        mid = 0.5 * torch.randn(shapes[-1], generator=g)
        t |= {f"in.down_residual.{i}": r for i, r in enumerate(down)} | {"in.mid_residual": mid}
        kwargs |= dict(down_block_additional_residuals=down, mid_block_additional_residual=mid)
    if c.get("bank_tokens"):
        for i, name in enumerate(blocks_of(unet, "attn1")):
            shape = (b, c["bank_tokens"], unet.get_submodule(name).to_k.out_features)
            t[f"in.bank_keys.{i}"], t[f"in.bank_values.{i}"] = keys, values = [torch.randn(shape, generator=g) for _ in range(2)]
            attentions[name] = FeatureBankAttention(keys, values)
    if c.get("image_scales"):
        image = torch.randn((b, 1, 4, text.shape[-1]), generator=g)
        for i, name in enumerate(blocks_of(unet, "attn2")):
            width = unet.get_submodule(name).to_k.out_features
            attentions[name] = p = IPAdapterAttnProcessor2_0(width, text.shape[-1], scale=[1.0])
            randomise(p, c["seed"] + i)
            t[f"in.image_keys.{i}"], t[f"in.image_values.{i}"] = p.to_k_ip[0](image[:, 0]), p.to_v_ip[0](image[:, 0])
    unet.set_attn_processor({f"{name}.processor": p for name, p in attentions.items()})
    if not c.get("image_scales"):
        return t | {"out.sample": unet(sample, steps, text, **kwargs).sample}
    # A processor has one scale for the whole batch. The output of each row is therefore taken from a run with its scale.
    rows = []
    for row, scale in enumerate(c["image_scales"]):
        for name in blocks_of(unet, "attn2"):
            attentions[name].scale = [scale]
        rows.append(unet(sample, steps, (text, [image]), **kwargs).sample[row])
    return t | {"out.sample": torch.stack(rows)}
