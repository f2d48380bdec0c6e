"""Reference cases and the models that they were computed with, for the tests of streamdiffusion_cpp.compat."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

PROJECT = Path(__file__).resolve().parents[3]
CASES = PROJECT / "tests/conformance/cases"
MODELS = CASES / "models"


def read_tensors(file: Path) -> dict[str, np.ndarray]:
    """Returns the float32 tensors of a safetensors file."""
    content = file.read_bytes()
    begin = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:begin])
    return {
        name: np.frombuffer(content[begin + entry["data_offsets"][0] : begin + entry["data_offsets"][1]], np.float32).reshape(entry["shape"])
        for name, entry in header.items()
        if entry.get("dtype") == "F32"
    }  # fmt: skip


@dataclass
class Case:
    """A reference case: inputs of a stream, and the images that the original's code gave for them on torch."""

    parameters: dict[str, Any]
    tensors: dict[str, np.ndarray]
    model: str  # folder

    def levels(self, index: int) -> np.ndarray:
        """Returns an output as the levels, 0 to 255, of an image [height][width][3]."""
        return levels_of(self.tensors["out.images"][index])


def levels_of(planes: np.ndarray) -> np.ndarray:
    """Returns planes [3][height][width] with values from -1 to 1 as the levels, 0 to 255, of an image."""
    return np.moveaxis(np.clip(planes / 2 + 0.5, 0, 1) * 255, 0, -1).round()


def assert_same_image(image: Any, wanted: np.ndarray) -> None:
    """Asserts that 99.9% of an image's values are within one level of 255 of those that are wanted."""
    difference = np.abs(np.asarray(image, np.float32) - wanted)
    assert difference.shape == wanted.shape
    assert (difference <= 1).mean() >= 0.999, f"{(difference > 1).mean():.2%} differ, by up to {difference.max()}"


def read_case(name: str) -> Case:
    """Reads a case of tests/conformance/cases."""
    folder = CASES / name
    parameters = json.loads((folder / "case.json").read_text())
    return Case(parameters, read_tensors(folder / "tensors.safetensors"), str((folder / parameters["model"]).resolve()))
