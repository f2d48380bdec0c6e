"""Copies the original's programs, with import lines that name this engine."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

# The modules that programs import, and those that take their place.
MODULES = {
    "utils.wrapper": "streamdiffusion_cpp.compat",
    "streamdiffusion.image_utils": "streamdiffusion_cpp.compat.image_utils",
    "streamdiffusion": "streamdiffusion_cpp.compat",
}
IMPORT = re.compile(rf"^(from )({'|'.join(map(re.escape, MODULES))})( import )", re.MULTILINE)
FOLDERS = ("examples", "demo", "utils", "images")
LORA_FILE = "pytorch_lora_weights.safetensors"
WRAPPER = Path("utils/wrapper.py")  # the file that ours takes the place of


class NoCheckout(Exception):
    """The folder is no checkout of the original."""


def with_changed_imports(source: str) -> str:
    """Returns a program with import lines that name this engine."""
    return IMPORT.sub(lambda match: match[1] + MODULES[match[2]] + match[3], source)


def on_cpu(wrapper: str) -> str:
    """Returns the original's wrapper with defaults that a machine without GPU and network can compute. Without a network
    today's diffusers wants to be told a LoRA's file."""
    wrapper = wrapper.replace('= "cuda",', '= "cpu",').replace("= torch.float16,", "= torch.float32,")
    return wrapper.replace("load_lcm_lora()", f'load_lcm_lora(weight_name="{LORA_FILE}")')


def copy_programs(checkout: Path, to: Path) -> None:
    """Copies the programs of a checkout."""
    if not (checkout / WRAPPER).is_file():
        raise NoCheckout(f"{checkout} has no {WRAPPER}; give a checkout of cumulo-autumn/StreamDiffusion")
    for folder in FOLDERS:
        shutil.copytree(checkout / folder, to / folder, ignore=shutil.ignore_patterns("node_modules", ".git"))


def change_imports(programs: Path) -> list[str]:
    """Lets copied programs import this engine. Returns the changed lines as "FILE: LINE"."""
    (programs / WRAPPER).unlink()
    changed = []
    for file in sorted(programs.rglob("*.py")):
        before = file.read_text()
        after = with_changed_imports(before)
        file.write_text(after)
        lines = zip(before.splitlines(), after.splitlines(), strict=True)
        changed += [f"{file.relative_to(programs)}: {line}" for old, line in lines if old != line]
    return changed


def keep_original(programs: Path, checkout: Path) -> None:
    """Lets copied programs use the original itself, on the CPU."""
    wrapper = programs / WRAPPER
    wrapper.write_text(on_cpu(wrapper.read_text()))
    shutil.copytree(checkout / "src/streamdiffusion", programs / "streamdiffusion")
