"""A native stream that gives an image from its first call on, as the original's programs expect."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np

from streamdiffusion_cpp import Model, Stream

Output = Literal["uint8", "float32"]


class Engine:
    """One stream, made anew by each `prepare`.

    With n denoising steps, a frame comes out of the stream batch n - 1 calls after it went in. Until then the
    original returns images of empty rows. This class returns the first call's finished images instead, computed
    at once.
    """

    def __init__(self, model: Model, shape: dict[str, Any], settings: dict[str, Any]) -> None:
        self._model = model
        self._shape = shape
        self._settings = settings
        self._stream = Stream(model, **shape, **settings)
        self._first: list[np.ndarray] | None = None

    @property
    def latent_shape(self) -> tuple[int, int, int]:
        """Channels, height and width of a frame's latents."""
        return self._stream.latent_shape

    def update(self, **settings: Any) -> None:
        """Changes settings from the next call on, also for frames in flight."""
        self._stream.update(**settings)
        self._settings.update(settings)

    def step(self, images: Sequence[np.ndarray], output: Output) -> list[np.ndarray]:
        """Runs one step of image to image. Returns as many images as it is given."""
        return self._finish(lambda stream: stream.step(list(images), output=output))

    def generate(self, noise: np.ndarray, output: Output) -> list[np.ndarray]:
        """Runs one step of text to image from noise [frames][steps][channels][height][width]."""
        return self._finish(lambda stream: as_list(stream.generate(noise=noise, output=output)))

    def _finish(self, run: Callable[[Stream], list[np.ndarray]]) -> list[np.ndarray]:
        results = run(self._stream)
        if results:
            self._first = None
            return results
        if self._first is None:
            self._first = run(Stream(self._model, **{**self._shape, "use_denoising_batch": False}, **self._settings))
        return self._first


def as_list(result: Any) -> list[np.ndarray]:
    """Returns what Stream.generate returns as a list: an image, None or a list of images."""
    if result is None:
        return []
    return result if isinstance(result, list) else [result]
