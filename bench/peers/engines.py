"""The networks in other engines. Each engine loads a diffusers folder and runs one measurement at a time."""
import os
import warnings
from pathlib import Path

import numpy as np

MEASUREMENTS = ("text_encoder", "unet", "vae_encode", "vae_decode", "frame")
ALPHA, BETA = 0.8, 0.6  # Scales of image and noise in a frame. The values do not affect the time.


class Inputs:
    """Random inputs of the networks, in the range of real ones."""

    def __init__(self, config, width, height, rows):
        generator = np.random.default_rng(0)
        normal = lambda *shape: generator.standard_normal(shape, dtype=np.float32)
        tokens = config["tokens"]
        self.ids = np.zeros((1, tokens), np.int64)
        self.sample = normal(rows, 4, height // 8, width // 8)
        self.timestep = np.full((rows,), 500, np.int64)
        self.encoder_hidden_states = normal(rows, tokens, config["cross_attention_dim"])
        self.image = generator.random((1, 3, height, width), dtype=np.float32)
        self.latents = self.sample[:1]
        self.frame = generator.integers(0, 256, (height, width, 3), dtype=np.uint8)


def load_torch_networks(folder):
    """Loads the folder's networks as torch modules that take and return plain tensors, and their configuration."""
    import diffusers
    import torch
    from transformers import CLIPTextModel

    class Unet(torch.nn.Module):
        def __init__(self, net):
            super().__init__()
            self.net = net

        def forward(self, sample, timestep, encoder_hidden_states):
            return self.net(sample, timestep, encoder_hidden_states, return_dict=False)[0]

    class Encoder(torch.nn.Module):
        def __init__(self, net):
            super().__init__()
            self.net = net

        def forward(self, image):
            encoded = self.net.encode(image * 2 - 1, return_dict=False)[0]
            return (encoded if isinstance(encoded, torch.Tensor) else encoded.mode()) * self.net.config.scaling_factor

    class Decoder(Encoder):
        def forward(self, latents):
            return self.net.decode(latents / self.net.config.scaling_factor, return_dict=False)[0]

    class Text(Encoder):
        def forward(self, ids):
            return self.net(ids, return_dict=False)[0]

    folder = Path(folder)
    kind = diffusers.AutoencoderTiny.load_config(folder / "vae")["_class_name"]
    vae = getattr(diffusers, kind).from_pretrained(folder / "vae", torch_dtype=torch.float32)
    unet = diffusers.UNet2DConditionModel.from_pretrained(folder / "unet", torch_dtype=torch.float32)
    text = CLIPTextModel.from_pretrained(folder / "text_encoder", dtype=torch.float32)
    config = {"tokens": text.config.max_position_embeddings, "cross_attention_dim": unet.config.cross_attention_dim}
    networks = {"text_encoder": Text(text), "unet": Unet(unet), "vae_encode": Encoder(vae), "vae_decode": Decoder(vae)}
    return {name: network.eval() for name, network in networks.items()}, config


def network_inputs(name, inputs):
    return {"text_encoder": (inputs.ids,),
            "unet": (inputs.sample, inputs.timestep, inputs.encoder_hidden_states),
            "vae_encode": (inputs.image,),
            "vae_decode": (inputs.latents,)}[name]


class Engine:
    """Base class that runs measurements by name. Subclasses set `networks` (functions by name) and `arguments`."""

    def run(self, name):
        if name == "frame":
            return self.frame()
        return self.networks[name](*self.arguments[name])


class Torch(Engine):
    def __init__(self, folder, width, height, rows, threads, channels_last=True):
        import torch
        self.torch = torch
        torch.set_num_threads(threads)
        torch.set_grad_enabled(False)
        self.version = f"torch {torch.__version__}"
        self.networks, config = load_torch_networks(folder)
        self.inputs = Inputs(config, width, height, rows)
        self.arguments = {name: [torch.from_numpy(a) for a in network_inputs(name, self.inputs)] for name in self.networks}
        if channels_last:
            for name, network in self.networks.items():
                network.to(memory_format=torch.channels_last)
                self.arguments[name] = [a.to(memory_format=torch.channels_last) if a.dim() == 4 else a
                                        for a in self.arguments[name]]

    def frame(self):
        torch, (sample, timestep, text) = self.torch, self.arguments["unet"]
        image = torch.from_numpy(self.inputs.frame).permute(2, 0, 1)[None].float() / 255
        latents = self.networks["vae_encode"](image) * ALPHA + sample[:1] * BETA
        rows = torch.cat([latents, sample[1:]])
        prediction = self.networks["unet"](rows, timestep, text)
        image = self.networks["vae_decode"](((rows - BETA * prediction) / ALPHA)[-1:])
        return ((image[0] / 2 + 0.5).clamp(0, 1) * 255).round().permute(1, 2, 0).to(torch.uint8).numpy()


class OpenVino(Engine):
    """`precision` is "f32", "auto" (OpenVINO chooses: bfloat16 if the processor supports it) or "int8" (quantised by NNCF;
    OpenVINO chooses the precision of the rest)."""


    def __init__(self, folder, width, height, rows, threads, converted, precision="f32"):
        import openvino
        core = openvino.Core()
        options = {"INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY"}
        # OpenVINO would choose bfloat16 by the processor even if oneDNN is held to lower instructions.
        if precision == "f32" or "ONEDNN_MAX_CPU_ISA" in os.environ:
            options["INFERENCE_PRECISION_HINT"] = "f32"
        files = sorted((Path(converted) / ("int8" if precision == "int8" else "f32")).glob("*.xml"))
        compiled = {path.stem: core.compile_model(str(path), "CPU", options) for path in files}
        hint = compiled["unet"].get_property("INFERENCE_PRECISION_HINT").get_type_name()
        self.version = f"OpenVINO {openvino.__version__.split('-')[0]} {precision} ({hint})"
        self.networks = {name: (lambda *a, model=model: model(a)[0]) for name, model in compiled.items()}
        text = compiled["unet"].input(2).shape
        self.inputs = Inputs({"tokens": text[1], "cross_attention_dim": text[2]}, width, height, rows)
        self.arguments = {name: network_inputs(name, self.inputs) for name in self.networks}

    @staticmethod
    def convert(folder, width, height, rows, converted):
        """Writes the networks in float32, at a fixed size, for later runs."""
        import openvino
        import torch
        warnings.filterwarnings("ignore")  # They warn that tracing makes sizes constant, which is intended.
        torch.set_grad_enabled(False)
        networks, config = load_torch_networks(folder)
        inputs = Inputs(config, width, height, rows)
        target = Path(converted) / "f32"
        target.mkdir(parents=True, exist_ok=True)
        for name, network in networks.items():
            example = tuple(torch.from_numpy(a) for a in network_inputs(name, inputs))
            model = openvino.convert_model(network, example_input=example, input=[list(a.shape) for a in example])
            openvino.save_model(model, str(target / f"{name}.xml"), compress_to_fp16=False)

    @staticmethod
    def quantize(converted):
        """Writes the networks in int8 by NNCF's post-training quantisation. All options are defaults except the number of
        samples, which affects image quality and not speed."""
        import nncf
        import openvino
        core = openvino.Core()
        generator = np.random.default_rng(1)
        target = Path(converted) / "int8"
        target.mkdir(parents=True, exist_ok=True)
        for path in sorted((Path(converted) / "f32").glob("*.xml")):
            model = core.read_model(str(path))
            sample = [np.zeros(p.shape, np.int64) if "i" in p.element_type.to_dtype().kind else
                      generator.standard_normal(tuple(p.shape), dtype=np.float32) for p in model.inputs]
            quantized = nncf.quantize(model, nncf.Dataset([sample] * 2), subset_size=2)
            openvino.save_model(quantized, str(target / path.name), compress_to_fp16=False)

    def frame(self):
        sample, timestep, text = self.arguments["unet"]
        image = self.inputs.frame.transpose(2, 0, 1)[None].astype(np.float32) / 255
        latents = self.networks["vae_encode"](image) * np.float32(ALPHA) + sample[:1] * np.float32(BETA)
        rows = np.concatenate([latents, sample[1:]])
        prediction = self.networks["unet"](rows, timestep, text)
        image = self.networks["vae_decode"](((rows - np.float32(BETA) * prediction) / np.float32(ALPHA))[-1:])
        return (np.clip(image[0] / 2 + 0.5, 0, 1) * 255).round().astype(np.uint8).transpose(1, 2, 0)
