"""The safety checker of Stable Diffusion, which runs in torch as in the original."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
from PIL import Image

from streamdiffusion_cpp.compat._tensors import load_torch

CHECKER = "CompVis/stable-diffusion-safety-checker"
EXTRACTOR = "openai/clip-vit-base-patch32"


class SafetyChecker:
    """Replaces images that diffusers' safety checker flags by black ones."""

    def __init__(self) -> None:
        """Loads the networks. Raises ImportError without torch, diffusers and transformers."""
        try:
            checker = importlib.import_module("diffusers.pipelines.stable_diffusion.safety_checker")
            transformers = importlib.import_module("transformers")
        except ImportError as error:
            raise ImportError(
                f"use_safety_checker needs torch, diffusers and transformers, which the checker runs in: {error}"
            ) from error
        self._checker = checker.StableDiffusionSafetyChecker.from_pretrained(CHECKER)
        self._extractor = transformers.CLIPImageProcessor.from_pretrained(EXTRACTOR)

    def check(self, images: list[np.ndarray]) -> list[np.ndarray]:
        """Returns images [h][w][3] of the same type, the flagged ones black. Each image is judged by itself."""
        levels = [image if image.dtype == np.uint8 else (image * 255).round().astype(np.uint8) for image in images]
        inputs: Any = self._extractor([Image.fromarray(image) for image in levels], return_tensors="pt")
        with load_torch().no_grad():
            _, flags = self._checker(images=np.stack(images).copy(), clip_input=inputs.pixel_values)
        return [np.zeros_like(image) if flag else image for image, flag in zip(images, flags, strict=True)]
