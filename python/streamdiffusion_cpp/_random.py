"""Random numbers as PyTorch draws them."""

from __future__ import annotations

import math
import operator
from typing import TYPE_CHECKING

from . import _checks as check
from . import _native

if TYPE_CHECKING:
    from ._arrays import FloatArray

_SEEDS = 2**64


class RandomGenerator:
    """PyTorch's random generator on the CPU. The same seed and sequence of calls give the same numbers as there.

    `Stream.generate(noise=...)` takes them as noise.
    """

    def __init__(self, seed: int) -> None:
        """Starts the sequence of a seed, any integer."""
        self._native = _native.RandomGenerator(operator.index(seed) % _SEEDS)

    def randn(self, *shape: int) -> FloatArray:
        """Draws standard normal numbers, as one call of torch.randn(*shape) does: a float32 array of the shape."""
        sides = [check.integer(side, "a side of the shape", 0) for side in shape]
        count = check.integer(math.prod(sides), "the number of values", 0, check.LARGEST_INT)
        numbers: FloatArray = self._native.randn(count).reshape(sides)
        return numbers
