"""A Hugging Face cache in which small models stand in for those that the original's programs name."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from checkout import LORA_FILE

PROJECT = Path(__file__).resolve().parents[2]
SMALL = PROJECT / "tests/conformance/cases/models"
COMMIT = "0" * 40


def add(cache: Path, name: str, files: dict[str, Path]) -> None:
    """Adds a repository whose files and folders are copies of others."""
    repository = cache / ("models--" + name.replace("/", "--"))
    snapshot = repository / "snapshots" / COMMIT
    for path, source in files.items():
        (snapshot / path).parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if source.is_dir() else shutil.copy)(source, snapshot / path)
    (repository / "refs").mkdir(parents=True)
    (repository / "refs/main").write_text(COMMIT)


def parts(model: Path, **others: Path) -> dict[str, Path]:
    """Returns the parts of a diffusers folder, some of them from another folder."""
    names = ["model_index.json", "scheduler", "text_encoder", "tokenizer", "unet", "vae"]
    return {name: others.get(name, model / name) for name in names}


def make_random(folder: Path) -> Path:
    """Makes a small random model as Stable Diffusion is: with an AutoencoderKL, and no consistency model. An LCM-LoRA
    and TAESD thus have something to do. Returns its folder."""
    for name, source in parts(SMALL / "tiny-sd21", vae=SMALL / "tiny-kl/vae").items():
        (shutil.copytree if source.is_dir() else shutil.copy)(source, folder / name)
    change(folder / "scheduler/scheduler_config.json", _class_name="DDIMScheduler", steps_offset=1)
    index = json.loads((folder / "model_index.json").read_text())
    change(folder / "model_index.json", vae=["diffusers", "AutoencoderKL"], scheduler=["diffusers", "DDIMScheduler"])
    assert index["unet"]
    return folder


def change(file: Path, **fields: object) -> None:
    """Sets fields of a JSON file."""
    file.write_text(json.dumps({**json.loads(file.read_text()), **fields}))


def fill(cache: Path, model: Path) -> None:
    """Fills a cache with `model`, a diffusers folder, under all names that the programs use."""
    for name in ("KBlueLeaf/kohaku-v2.1", "stabilityai/sd-turbo"):
        add(cache, name, parts(model))
    add(cache, "madebyollin/taesd", {path.name: path for path in (SMALL / "tiny-sd15/vae").iterdir()})
    lora = {LORA_FILE: SMALL / "tiny-sd21/lora-diffusers.safetensors"}
    add(cache, "latent-consistency/lcm-lora-sdv1-5", lora)
