"""Writes small random models as diffusers folders, and loads them."""
import json

import diffusers
import torch
from diffusers import AutoencoderKL, AutoencoderTiny, LCMScheduler, StableDiffusionPipeline, UNet2DConditionModel
from safetensors.torch import load_file, save_file
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer
from vocabulary import write_tokenizer


def randomise(module, seed):
    """Sets seeded random weights. Gains and biases differ from 1 and 0, so that every parameter matters."""
    g = torch.Generator().manual_seed(seed)
    for name, p in module.named_parameters():
        if p.dim() > 1:
            fan = p[0].numel()
            p.copy_(torch.randn(p.shape, generator=g) / fan ** 0.5)
        elif name.endswith("weight"):
            p.copy_(1 + 0.2 * torch.randn(p.shape, generator=g))
        else:
            p.copy_(0.1 * torch.randn(p.shape, generator=g))


def randomise_periodically(module, seed, period=131):
    """Sets weights that repeat with a period, so that a compressed file of them is small. Hardly two rows are equal."""
    g = torch.Generator().manual_seed(seed)
    for name, p in module.named_parameters():
        values = (2 * torch.randn(period, generator=g)).round() / 2
        values = (values / p[0].numel() ** 0.5 if p.dim() > 1 else 1 + 0.2 * values if name.endswith("weight") else 0.1 * values)
        p.copy_(values.repeat(p.numel() // period + 1)[:p.numel()].view(p.shape))


def write_model(folder, spec, merges_file):
    seed = spec["seed"]
    torch.manual_seed(seed)
    dtype = getattr(torch, spec.get("dtype", "float32"))
    vocab = write_tokenizer(folder / "tokenizer", merges_file, spec.get("merges", 400), spec.get("pad", "<|endoftext|>"))
    text = CLIPTextModel(CLIPTextConfig(vocab_size=vocab, max_position_embeddings=77,
                                        bos_token_id=vocab - 2, eos_token_id=vocab - 1, **spec["text"])).eval()
    unet = UNet2DConditionModel(in_channels=4, out_channels=4, **spec["unet"]).eval()
    vae = {"tiny": AutoencoderTiny, "kl": AutoencoderKL}[spec["vae_kind"]](**spec["vae"]).eval()
    for i, m in enumerate((text, unet, vae)):
        (randomise_periodically if "single_file" in spec else randomise)(m, seed + i)
    kind = getattr(diffusers, spec.get("scheduler_class", "LCMScheduler"))
    scheduler = kind(**dict(dict(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear"), **spec.get("scheduler", {})))
    for name, m in (("text_encoder", text), ("unet", unet), ("vae", vae)):
        m.to(dtype).save_pretrained(folder / name, variant=spec.get("variant"), **spec.get("save_" + name, {}))
    if spec.get("old_vae_keys"):  # Attention layers' names in older published autoencoders.
        path = next((folder / "vae").glob("*.safetensors"))
        names = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}
        state = {}
        for k, v in load_file(path).items():
            for new, old in names.items():
                if ".attentions." in k:
                    k = k.replace("." + new + ".", "." + old + ".")
            state[k] = v
        save_file(state, str(path), metadata={"format": "pt"})
    if spec.get("text_prefix"):  # Key names of published models, which newer versions of transformers no longer write.
        path = folder / "text_encoder" / "model.safetensors"
        state = {"text_model." + k: v for k, v in load_file(path).items()}
        state["text_model.embeddings.position_ids"] = torch.arange(77)[None]
        save_file(state, str(path), metadata={"format": "pt"})
    scheduler.save_pretrained(folder / "scheduler")
    (folder / "model_index.json").write_text(json.dumps({
        "_class_name": "StableDiffusionPipeline",
        "text_encoder": ["transformers", "CLIPTextModel"], "tokenizer": ["transformers", "CLIPTokenizer"],
        "unet": ["diffusers", "UNet2DConditionModel"], "scheduler": ["diffusers", type(scheduler).__name__],
        "vae": ["diffusers", type(vae).__name__],
        "safety_checker": [None, None], "feature_extractor": [None, None]}, indent=1))


def load(folder):
    """Loads the pipeline in float32, whatever the stored type."""
    index = json.loads((folder / "model_index.json").read_text())
    vae = {"AutoencoderTiny": AutoencoderTiny, "AutoencoderKL": AutoencoderKL}[index["vae"][1]]
    variant = "fp16" if list((folder / "unet").glob("*.fp16*")) else None
    return StableDiffusionPipeline(
        vae=vae.from_pretrained(folder / "vae", variant=variant).float().eval(),
        text_encoder=CLIPTextModel.from_pretrained(folder / "text_encoder", variant=variant).float().eval(),
        tokenizer=CLIPTokenizer.from_pretrained(folder / "tokenizer"),
        unet=UNet2DConditionModel.from_pretrained(folder / "unet", variant=variant).float().eval(),
        scheduler=LCMScheduler.from_pretrained(folder / "scheduler"),
        safety_checker=None, feature_extractor=None, requires_safety_checker=False)
