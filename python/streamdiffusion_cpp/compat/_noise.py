"""The random numbers that text to image starts from, drawn as the original draws them.

The original draws from torch's global generator. A program that has imported torch can seed that generator, so the
numbers come from there. Otherwise nobody can tell, and a generator that draws the same numbers takes its place.
"""

from __future__ import annotations

import sys
from typing import Any, Protocol

import numpy as np

from streamdiffusion_cpp import RandomGenerator
from streamdiffusion_cpp.compat._tensors import array_of, load_torch

# The seed that torch's global generator has when a program starts.
TORCH_DEFAULT_SEED = 67280421310721


class Generator(Protocol):
    """A sequence of random numbers."""

    def manual_seed(self, seed: int) -> Any:
        """Starts the sequence anew."""

    def randn(self, shape: tuple[int, ...]) -> np.ndarray:
        """Draws standard normal numbers in float32, as one call of torch.randn on the CPU does."""


class TorchGenerator:
    """A generator of torch's."""

    def __init__(self, generator: Any) -> None:
        self._generator = generator

    def manual_seed(self, seed: int) -> Any:
        return self._generator.manual_seed(seed)

    def randn(self, shape: tuple[int, ...]) -> np.ndarray:
        return array_of(load_torch().randn(shape, generator=self._generator))


class OwnGenerator:
    """A generator that draws torch's numbers without torch."""

    def __init__(self, seed: int = TORCH_DEFAULT_SEED) -> None:
        self.manual_seed(seed)

    def manual_seed(self, seed: int) -> Any:
        self._generator = RandomGenerator(seed)
        return self

    def randn(self, shape: tuple[int, ...]) -> np.ndarray:
        return self._generator.randn(*shape)


def global_generator() -> Generator:
    """Returns torch's global generator if the program has imported torch, else one in its place."""
    torch = sys.modules.get("torch")
    return OwnGenerator() if torch is None else TorchGenerator(torch.default_generator)


def generator_of(value: Any) -> Generator:
    """Returns a Generator for what a caller gives `prepare`: one of torch's or one of this module's."""
    return TorchGenerator(value) if type(value).__module__.startswith("torch") else value
