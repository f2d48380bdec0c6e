"""The model of a StreamDiffusion object: where its weights come from, and when they are loaded."""

from __future__ import annotations

import os
from typing import Any

from streamdiffusion_cpp import Lora, Model
from streamdiffusion_cpp.compat import _weights

# A program that is not to be changed is told by these variables how to compute.
DEVICE_VARIABLE = "STREAMDIFFUSION_DEVICE"
PRECISION_VARIABLE = "STREAMDIFFUSION_PRECISION"


class ModelLoader:
    """Collects autoencoder and LoRAs of a model, and loads all of it when the model is first asked for."""

    def __init__(self, pipe: Any, device: str | None, precision: str | None) -> None:
        self.vae: Any = None
        self._pipe = pipe
        self._device = device or os.environ.get(DEVICE_VARIABLE) or "auto"
        self._precision = precision or os.environ.get(PRECISION_VARIABLE) or "auto"
        self._loras: list[Lora] = []
        self._unscaled = 0  # index of the first LoRA without a scale of its own
        self._model: Model | None = pipe if isinstance(pipe, Model) else None
        self._files = _weights.TemporaryFiles()

    def set_vae(self, vae: Any) -> None:
        """Replaces the autoencoder. A model that is loaded already is loaded again when it is next asked for."""
        self.vae = vae
        self._model = None

    def add_lora(self, source: Any, name: str | None, **choice: Any) -> None:
        """Adds a LoRA at the scale 1, also to a model that is loaded."""
        name = name or f"lora-{len(self._loras)}"
        lora = Lora(_weights.lora_file(source, self._files, name, **choice), name=name)
        if self._model is not None:
            self._model.add_lora(*lora)
        self._loras.append(lora)

    def set_lora_scale(self, scale: float) -> None:
        """Sets the scale of the LoRAs that were added since the last call."""
        self._loras[self._unscaled :] = [lora._replace(scale=scale) for lora in self._loras[self._unscaled :]]
        self._unscaled = len(self._loras)

    def scales(self) -> dict[str, float]:
        """Returns the scales of all LoRAs by name."""
        return {lora.name: lora.scale for lora in self._loras}

    def model(self) -> Model:
        """Returns the model, and loads it first if that has not happened."""
        if self._model is None:
            self._model = Model.load(
                _weights.model_path(self._pipe, self._files),
                vae="full" if self.vae is None else _weights.vae_path(self.vae, self._files),
                loras=self._loras,
                device=self._device,
                precision=self._precision,
            )
            self._files.remove()
        return self._model
