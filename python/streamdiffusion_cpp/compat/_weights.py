"""Files of weights: names and paths as they are given, objects in memory by way of a temporary folder."""

from __future__ import annotations

import importlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any

from streamdiffusion_cpp import ArgumentError
from streamdiffusion_cpp._hub import fetch_model

LORA_FILE = "pytorch_lora_weights.safetensors"


class TemporaryFiles:
    """A temporary folder for weights, made when it is needed."""

    def __init__(self) -> None:
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def path(self, name: str) -> Path:
        """Returns a path in the folder."""
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="streamdiffusion-")
        return Path(self._folder.name) / name

    def remove(self) -> None:
        """Removes the folder and its files."""
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None


def model_path(pipe: Any, files: TemporaryFiles) -> str:
    """Returns the folder, file or hub name of a model. A diffusers pipeline is written to a folder."""
    if isinstance(pipe, (str, os.PathLike)):
        return os.fspath(pipe)
    if not hasattr(pipe, "save_pretrained"):
        raise TypeError(f"pipe is a {type(pipe).__name__}; give a diffusers pipeline, or the folder, file or hub name of a model")
    for name in ("unet", "text_encoder"):
        if getattr(getattr(pipe, name, None), "peft_config", None):
            raise ArgumentError(f"the pipeline's {name} has LoRAs; load them with StreamDiffusion.load_lora in place of the pipeline's")
    folder = files.path("model")
    save_components(pipe, folder)
    return str(folder)


def save_components(pipe: Any, folder: Path) -> None:
    """Writes the networks, the tokenizer and the scheduler of a pipeline, without its safety checker."""
    index: dict[str, Any] = {"_class_name": "StableDiffusionPipeline"}
    for name in ("unet", "text_encoder", "vae", "tokenizer", "scheduler"):
        component = getattr(pipe, name, None)
        if component is None:
            raise ArgumentError(f"the pipeline has no {name}; give a StableDiffusionPipeline")
        component.save_pretrained(folder / name)
        index[name] = [type(component).__module__.partition(".")[0], type(component).__name__]
    (folder / "model_index.json").write_text(json.dumps(index))


def local_model(name: str) -> str:
    """Returns the folder or file of a model. One on the hub is downloaded into Python's cache if it is missing."""
    return str(fetch_model(name, "full", [], None)[0])


def vae_path(vae: Any, files: TemporaryFiles) -> str:
    """Returns the folder, file or hub name of an autoencoder. One of diffusers is written to a folder."""
    if isinstance(vae, (str, os.PathLike)):
        return os.fspath(vae)
    if not hasattr(vae, "save_pretrained"):
        raise TypeError(f"vae is a {type(vae).__name__}; give an autoencoder of diffusers, or its folder, file or hub name")
    folder = files.path("vae")
    vae.save_pretrained(folder)
    return str(folder)


def lora_file(
    source: Any, files: TemporaryFiles, name: str, weight_name: str | None = None, subfolder: str | None = None
) -> str:
    """Returns the file of a LoRA that is given as diffusers takes it: as a file, a folder or tensors. A name on the hub
    stays one, with the file in the repository that the caller chose."""
    if isinstance(source, dict):
        file = files.path(f"{name}.safetensors")
        importlib.import_module("safetensors.torch").save_file({key: tensor.detach().cpu().contiguous() for key, tensor in source.items()}, file)
        return str(file)
    path = Path(source)
    if path.is_dir():
        return str(file_in(path / (subfolder or ""), weight_name))
    return str(path) if path.exists() else "/".join(part for part in (os.fspath(source), subfolder, weight_name) if part)


def file_in(folder: Path, weight_name: str | None) -> Path:
    """Returns the LoRA in a folder: the named file, the one with diffusers' name, or else the only one."""
    if weight_name is not None or (folder / LORA_FILE).exists():
        return folder / (weight_name or LORA_FILE)
    found = sorted(folder.glob("*.safetensors"))
    if len(found) != 1:
        raise ArgumentError(f"{folder} has {len(found)} .safetensors files; give the LoRA's file, or weight_name")
    return found[0]


def read_json(path: Path) -> dict[str, Any]:
    """Returns the contents of a JSON file, or {} if there is none."""
    content: dict[str, Any] = json.loads(path.read_text()) if path.is_file() else {}
    return content


def is_consistency_model(folder: str) -> bool:
    """True if a model's scheduler is that of a latent consistency model, which needs no LCM-LoRA."""
    return read_json(Path(folder, "scheduler/scheduler_config.json")).get("_class_name") == "LCMScheduler"


def has_tiny_autoencoder(folder: str) -> bool:
    """True if a model's own autoencoder is an AutoencoderTiny."""
    return read_json(Path(folder, "vae/config.json")).get("_class_name") == "AutoencoderTiny"
