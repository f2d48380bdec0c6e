"""The functions of the original's module `streamdiffusion.image_utils`.

They take torch tensors as the original does, and numpy arrays of the same shapes, for which they need no torch.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image

from streamdiffusion_cpp import ArgumentError
from streamdiffusion_cpp.compat._tensors import array_of, is_tensor, load_torch, tensor_of


OUTPUT_TYPES = ("pil", "pt", "np", "latent")


def require_output_type(output_type: str) -> None:
    """Raises ArgumentError unless this is one of OUTPUT_TYPES."""
    if output_type not in OUTPUT_TYPES:
        raise ArgumentError(f"output_type is {output_type!r}, must be one of {', '.join(OUTPUT_TYPES)}")


def denormalize(images: Any) -> Any:
    """Maps values from [-1, 1] to [0, 1] and clamps them."""
    halved = images / 2 + 0.5
    return halved.clamp(0, 1) if is_tensor(halved) else np.clip(halved, 0, 1)


def pt_to_numpy(images: Any) -> np.ndarray:
    """Returns a batch [n][c][h][w] as a float32 array [n][h][w][c]."""
    array = array_of(images) if is_tensor(images) else np.asarray(images, np.float32)
    return np.moveaxis(array, 1, -1)


def numpy_to_pil(images: np.ndarray) -> list[Image.Image]:
    """Returns images [h][w][c] or [n][h][w][c] with values from 0 to 1 as a list of PIL images."""
    if images.ndim == 3:
        images = images[None]
    levels = (images * 255).round().astype(np.uint8)
    if levels.shape[-1] == 1:
        return [Image.fromarray(image[..., 0]) for image in levels]
    return [Image.fromarray(np.ascontiguousarray(image)) for image in levels]


def postprocess_image(image: Any, output_type: str = "pil", do_denormalize: list[bool] | None = None) -> Any:
    """Returns a batch [n][3][h][w] with values from -1 to 1 in another form.

    `output_type` "latent" returns `image` itself, "pt" a tensor with values from 0 to 1, "np" a float32 array
    [n][h][w][3] with values from 0 to 1, "pil" a list of PIL images. Images whose `do_denormalize` is false are
    taken to have values from 0 to 1 already. Raises ArgumentError for another `output_type`, and for anything that is
    neither tensor nor array.
    """
    if not (is_tensor(image) or isinstance(image, np.ndarray)):
        raise ArgumentError(f"postprocess_image is given a {type(image).__name__}; give a torch tensor or a numpy array")
    require_output_type(output_type)
    if output_type == "latent":
        return image
    flags = [True] * len(image) if do_denormalize is None else do_denormalize
    images = [denormalize(one) if flag else one for one, flag in zip(image, flags, strict=True)]
    if is_tensor(image):
        batch = load_torch().stack(images)
    else:
        batch = np.stack(images)
    if output_type == "pt":
        return batch
    array = pt_to_numpy(batch)
    return array if output_type == "np" else numpy_to_pil(array)


def process_image(image_pil: Image.Image, range: tuple[int, int] = (-1, 1)) -> tuple[Any, Image.Image]:
    """Returns a PIL image as a float32 torch tensor [1][c][h][w] with values in `range`, and the image itself."""
    array = np.atleast_3d(np.asarray(image_pil, np.float32)) / 255
    low, high = range
    return tensor_of(np.moveaxis(array, -1, 0)[None] * (high - low) + low), image_pil


def pil2tensor(image_pil: Image.Image) -> Any:
    """Returns a PIL image as a float16 torch tensor [1][c][h][w] with values from -1 to 1."""
    tensor, _ = process_image(image_pil)
    return tensor_of(array_of(tensor), "float16") if is_tensor(tensor) else tensor
