"""Adapter files (LoRA and similar) for the reference cases' tiny model, written by peft, diffusers and LyCORIS. The expected
output is what the library itself computes with the adapter attached, before it is merged."""

import contextlib
import functools
import json
import logging
import os
import pathlib
import warnings

from reference_file import ReferenceFile

MODEL = pathlib.Path(os.environ["STREAMDIFFUSION_PROJECT"]).resolve() / "tests/conformance/cases/models/tiny-sd15"
ATTENTION = ["to_q", "to_k", "to_v", "to_out.0"]
LINEAR = [*ATTENTION, "ff.net.2", "time_emb_proj"]
CONVOLUTIONS = ["conv1", "conv2", "proj_in", "proj_out", "conv_shortcut"]

warnings.filterwarnings("ignore")


# ---- The model and its inputs


def unet():
    from diffusers import UNet2DConditionModel

    return UNet2DConditionModel.from_pretrained(MODEL, subfolder="unet").eval()


def text_encoder():
    import torch
    from transformers import CLIPTextModel

    return CLIPTextModel.from_pretrained(MODEL / "text_encoder", dtype=torch.float32).eval()


@contextlib.contextmanager
def reference():
    """Runs the body without gradients and with the same random numbers each time."""
    import torch

    logging.getLogger("LyCORIS").setLevel(logging.ERROR)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with torch.no_grad(), torch.random.fork_rng():
        torch.manual_seed(11)
        yield torch
    torch.set_num_threads(threads)


def write_case(folder, case, tensors):
    from safetensors.torch import save_file

    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, folder / "tensors.safetensors")
    (folder / "case.json").write_text(json.dumps({"model": str(MODEL), **case}))


def write_unet_case(folder, network, loras, torch):
    sample = torch.randn(1, 4, 8, 8)
    text = torch.randn(1, 77, 32)
    time = torch.tensor([600])
    out = network(sample, time, text).sample
    entries = [{"file": str(folder / file), "scale": scale} for file, scale in loras]
    tensors = {"in.sample": sample, "in.timestep": time, "in.encoder_hidden_states": text, "out.sample": out}
    write_case(folder, {"kind": "unet", "loras": entries}, tensors)


def randomise(network, torch, is_adapter):
    """Randomises all of an adapter's parameters, which initially would change little or nothing."""
    for name, parameter in network.named_parameters():
        if is_adapter(name):
            noise = torch.randn_like(parameter)
            parameter.copy_(parameter * (1 + 0.3 * noise) if "magnitude" in name else parameter + 0.1 * noise)


# ---- peft


def is_of_peft(name):
    parts = ("lora_", "hada_", "lokr_", "ia3_", "oft_", "boft_", "vera_lambda", "modules_to_save.")
    return any(part in name for part in parts)


def peft_on_unet(folder, configuration):
    import peft

    with reference() as torch:
        network = peft.get_peft_model(unet(), configuration(peft)).eval()
        randomise(network, torch, is_of_peft)
        network.save_pretrained(folder)
        write_unet_case(folder, network, [("adapter_model.safetensors", 1.0)], torch)


def peft_on_unet_with_biases(folder):
    """Makes an adapter with all biases trained, including those of the adapted layers."""
    import peft

    with reference() as torch:
        network = peft.get_peft_model(unet(), peft.LoraConfig(r=2, target_modules=["to_out.0"], bias="all")).eval()
        randomise(network, torch, lambda name: is_of_peft(name) or name.endswith(".bias"))
        network.save_pretrained(folder)
        write_unet_case(folder, network, [("adapter_model.safetensors", 1.0)], torch)


def peft_on_text_encoder(folder):
    import peft

    with reference() as torch:
        configuration = peft.LoraConfig(r=2, lora_alpha=6, target_modules=["q_proj", "out_proj", "fc1"])
        network = peft.get_peft_model(text_encoder(), configuration).eval()
        randomise(network, torch, is_of_peft)
        network.save_pretrained(folder)
        ids = torch.randint(0, 500, (1, 77))
        out = network(ids).last_hidden_state
        entries = [{"file": str(folder / "adapter_model.safetensors"), "scale": 1.0}]
        write_case(folder, {"kind": "text_encoder", "loras": entries}, {"in.ids": ids, "out.last_hidden_state": out})


def several_of_peft(folder, order, modules=("to_q", "conv1")):
    """Makes a plain LoRA and two DoRAs, active in this order."""
    import peft

    with reference() as torch:
        make = functools.partial(peft.LoraConfig, r=2, target_modules=list(modules))
        network = peft.get_peft_model(unet(), make(lora_alpha=3), adapter_name="plain")
        network.add_adapter("dora", make(use_dora=True))
        network.add_adapter("other", make(use_dora=True, lora_alpha=4))
        randomise(network, torch, is_of_peft)
        network.save_pretrained(folder)
        network.base_model.set_adapter(order)
        loras = [(f"{name}/adapter_model.safetensors", 1.0) for name in order]
        write_unet_case(folder, network.eval(), loras, torch)


# ---- diffusers


def diffusers_pipeline_file(folder, options, scale):
    """Writes a LoRA as diffusers' training scripts save it and its pipelines load it."""
    import peft
    from diffusers import StableDiffusionPipeline
    from diffusers.utils import convert_state_dict_to_diffusers

    with reference() as torch:
        network = unet()
        network.add_adapter(peft.LoraConfig(**options), "default")
        randomise(network, torch, is_of_peft)
        state = peft.get_peft_model_state_dict(network)
        if not options.get("use_dora"):
            state = convert_state_dict_to_diffusers(state)
        metadata = {"unet_lora_adapter_metadata": network.peft_config["default"].to_dict()}
        StableDiffusionPipeline.save_lora_weights(folder, unet_lora_layers=state, **metadata)
        network.set_adapters(["default"], [scale])
        write_unet_case(folder, network.eval(), [("pytorch_lora_weights.safetensors", scale)], torch)


# ---- LyCORIS


def lycoris_file(folder, scale=1.0, modules=("Linear", "Conv2d", "GroupNorm", "LayerNorm"), **options):
    from lycoris import LycorisNetwork

    with reference() as torch:
        network = unet()
        LycorisNetwork.apply_preset({"target_module": list(modules), "enable_conv": True})
        adapter = LycorisNetwork(network, 1.0, lora_dim=4, conv_lora_dim=4, alpha=2, conv_alpha=2, **options)
        adapter.apply_to()  # The adapter has no parameters before this call.
        randomise(adapter, torch, lambda name: True)
        adapter.save_weights(str(folder / "lycoris.safetensors"), None, {"ss_network_module": "lycoris.kohya"})
        adapter.set_multiplier(scale)
        adapter.eval()
        write_unet_case(folder, network, [("lycoris.safetensors", scale)], torch)


# ---- The list


PEFT = ("torch", "diffusers", "peft", "safetensors")


def of_peft(name, method, refused=(), **options):
    make = functools.partial(peft_on_unet, configuration=lambda peft: getattr(peft, method)(**options))
    return ReferenceFile(f"peft {name}", make, PEFT, refused)


def of_lycoris(name, refused=(), **options):
    make = functools.partial(lycoris_file, **options)
    return ReferenceFile(f"LyCORIS {name}", make, ("torch", "diffusers", "lycoris", "safetensors"), refused)


def peft_files():
    every = [*LINEAR, *CONVOLUTIONS]
    lora = functools.partial(of_peft, method="LoraConfig", r=2)
    return [
        lora("LoRA", lora_alpha=6, target_modules=every),
        lora("LoRA with rsLoRA", lora_alpha=6, use_rslora=True, target_modules=LINEAR),
        lora("LoRA with patterns", lora_alpha=6, target_modules=LINEAR,
             rank_pattern={"attn1.to_q": 4}, alpha_pattern={"attn1.to_q": 3, "to_out.0": 1}),
        lora("LoRA with biases of its own", lora_alpha=6, lora_bias=True, target_modules=[*ATTENTION, "conv1"]),
        lora("DoRA", lora_alpha=6, use_dora=True, target_modules=every),
        lora("DoRA with rsLoRA", lora_alpha=6, use_dora=True, use_rslora=True, target_modules=LINEAR),
        lora("LoRA with saved modules", target_modules=ATTENTION, modules_to_save=["conv_in", "conv_norm_out"]),
        of_peft("LoHa", "LoHaConfig", r=2, alpha=6, target_modules=every),
        of_peft("LoHa with cores", "LoHaConfig", r=2, alpha=6, use_effective_conv2d=True, target_modules=["conv1"]),
        of_peft("LoKr", "LoKrConfig", r=2, alpha=6, decompose_factor=4, target_modules=every),
        of_peft("LoKr with cores", "LoKrConfig", r=2, alpha=6, use_effective_conv2d=True, target_modules=["conv1"]),
        of_peft("LoKr of whole matrices", "LoKrConfig", r=32, alpha=6, target_modules=LINEAR),
        of_peft("LoKr of products", "LoKrConfig", r=2, alpha=6, decompose_both=True, target_modules=LINEAR),
        of_peft("AdaLoRA", "AdaLoraConfig", init_r=4, target_r=2, lora_alpha=6, total_step=10, target_modules=LINEAR),
        of_peft("IA3", "IA3Config", target_modules=[*ATTENTION, "ff.net.2"], feedforward_modules=["ff.net.2"]),
        of_peft("IA3 of convolutions", "IA3Config", target_modules=["conv1", "conv2"], feedforward_modules=["conv2"]),
        of_peft("OFT", "OFTConfig", r=0, oft_block_size=4, use_cayley_neumann=False,
                target_modules=[*LINEAR, "proj_in"]),
        of_peft("OFT by a series", "OFTConfig", r=0, oft_block_size=4, target_modules=LINEAR),
        of_peft("OFT with shared blocks", "OFTConfig", r=0, oft_block_size=8, block_share=True, target_modules=LINEAR),
        of_peft("VeRA", "VeraConfig", r=2, target_modules=["to_q"]),
        of_peft("OFT of kernels", "OFTConfig", ("OFT", "oft_R.weight"), r=0, oft_block_size=2,
                target_modules=["conv1"]),
        of_peft("BOFT", "BOFTConfig", ("BOFT", "adapter_config.json"), boft_block_size=4, target_modules=["to_q"]),
        lora("KaSA", refused=("KaSA", "adapter_config.json"), kasa_config={}, target_modules=["to_q"]),
        ReferenceFile("peft LoRA with all biases", peft_on_unet_with_biases, PEFT),
        ReferenceFile("peft LoRA of the text encoder", peft_on_text_encoder, (*PEFT, "transformers")),
        ReferenceFile("peft LoRA, then two DoRAs",
                      functools.partial(several_of_peft, order=["plain", "dora", "other"]), PEFT),
        ReferenceFile("peft DoRA, then LoRA", functools.partial(several_of_peft, order=["dora", "plain"]), PEFT),
    ]  # fmt: skip


def diffusers_files():
    def file(name, scale, **options):
        make = functools.partial(diffusers_pipeline_file, options={"r": 2, "lora_alpha": 6, **options}, scale=scale)
        return ReferenceFile(f"diffusers {name}", make, (*PEFT, "transformers"))

    return [
        file("LoRA", 0.7, target_modules=LINEAR),
        file("DoRA", 0.7, target_modules=[*LINEAR, *CONVOLUTIONS], use_dora=True),
        file("LoRA with biases of its own", 0.7, target_modules=ATTENTION, lora_bias=True),
    ]


def lycoris_files():
    return [
        of_lycoris("LoCon", network_module="locon", scale=0.7),
        of_lycoris("DoRA with norms", network_module="locon", weight_decompose=True, train_norm=True),
        of_lycoris("LoHa", network_module="loha", scale=0.7),
        of_lycoris("LoKr", network_module="lokr", factor=4, scale=0.7),
        of_lycoris("whole differences", network_module="full", scale=0.7),
        of_lycoris("OFT", ("OFT", "oft_blocks"), network_module="diag-oft"),
        of_lycoris("BOFT", ("OFT", "oft_blocks"), network_module="boft"),
        of_lycoris("IA3", ("IA3", "on_input"), network_module="ia3"),
        of_lycoris("GLoRA", ("GLoRA", ".weight"), network_module="glora"),
        of_lycoris("T-LoRA", ("T-LoRA", "lambda_layer"), network_module="tlora", modules=["Linear"]),
    ]


def files():
    return [*peft_files(), *diffusers_files(), *lycoris_files()]
