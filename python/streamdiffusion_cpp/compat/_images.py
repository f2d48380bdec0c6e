"""The forms of images that the original takes, as arrays [height][width][3] of the stream's size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

from streamdiffusion_cpp import ArgumentError
from streamdiffusion_cpp.compat._tensors import array_of, is_tensor, tensor_of

SIZE_MULTIPLE = 8  # pixels of an image to one of its latents


def frames_of(images: Any, height: int, width: int) -> list[np.ndarray]:
    """Returns images as arrays [height][width][3], of uint8 or of float32 values from 0 to 1.

    `images` is one image or a list of them: a PIL image, an array [h][w][3] or [n][h][w][3], or a torch tensor
    [3][h][w] or [n][3][h][w]. Arrays and tensors hold 0 to 255 in uint8, or floating-point values from 0 to 1. If
    one is negative they are taken to lie between -1 and 1, as `preprocess_image` returns them. Raises ArgumentError
    for other shapes and types; the engine does so for values of another scale.
    """
    if isinstance(images, (list, tuple)):
        return [frame for image in images for frame in frames_of(image, height, width)]
    if isinstance(images, Image.Image):
        return [pil_frame(images, height, width, Image.Resampling.LANCZOS)]
    return batch_frames(channels_last(images), height, width)


def pil_frame(image: Image.Image, height: int, width: int, resampling: Image.Resampling) -> np.ndarray:
    """Returns a PIL image as a uint8 array [height][width][3]."""
    image = image.convert("RGB")
    if image.size != (width, height):
        image = image.resize((width, height), resampling)
    return np.asarray(image)


def channels_last(images: Any) -> np.ndarray:
    """Returns an array or a tensor of images as an array [n][h][w][3].

    The channels of tensors come before the rows. So do those of arrays that have 3 channels there and not at the end,
    as `preprocess_image` returns them without torch.
    """
    array = array_of(images) if is_tensor(images) else np.asarray(images)
    batch = array[None] if array.ndim == 3 else array
    if batch.ndim == 4 and batch.shape[1] == 3 and (is_tensor(images) or batch.shape[3] != 3):
        return np.moveaxis(batch, 1, -1)
    if batch.ndim != 4 or batch.shape[3] != 3 or is_tensor(images):
        wanted = "[3, height, width] or [n, 3, height, width]" if is_tensor(images) else "[height, width, 3] or [n, height, width, 3]"
        raise ArgumentError(f"an image has the shape {list(array.shape)}; give {wanted}")
    if batch.size == 0:
        raise ArgumentError(f"an image has the shape {list(array.shape)}, which holds no pixel")
    return batch


def batch_frames(batch: np.ndarray, height: int, width: int) -> list[np.ndarray]:
    """Returns an array [n][h][w][3] as frames of the stream's size."""
    if batch.dtype != np.uint8:
        if not np.issubdtype(batch.dtype, np.floating):
            raise ArgumentError(f"an image has values of the type {batch.dtype}; give uint8 (0 to 255) or floats (0 to 1)")
        batch = batch.astype(np.float32, copy=False)
        if batch.min() < 0:
            batch = batch / 2 + 0.5
    return list(resized(batch, height, width))


def resized(batch: np.ndarray, height: int, width: int) -> np.ndarray:
    """Brings [n][h][w][3] to another size by the nearest pixel, as the original does with arrays and tensors."""
    rows, columns = batch.shape[1:3]
    if (rows, columns) == (height, width):
        return batch
    return batch[:, np.arange(height) * rows // height][:, :, np.arange(width) * columns // width]


def planes_of(frames: Sequence[np.ndarray]) -> np.ndarray:
    """Returns frames as float32 [n][3][height][width] with values from -1 to 1."""
    batch = np.stack([frame.astype(np.float32) / 255 if frame.dtype == np.uint8 else frame for frame in frames])
    return np.ascontiguousarray(np.moveaxis(batch, -1, 1)) * 2 - 1


def whole_sides(height: int, width: int) -> tuple[int, int]:
    """Returns the largest height and width that are multiples of SIZE_MULTIPLE and not larger than these."""
    return height // SIZE_MULTIPLE * SIZE_MULTIPLE, width // SIZE_MULTIPLE * SIZE_MULTIPLE


class ImageProcessor:
    """The part of diffusers' VaeImageProcessor that programs of the original call (`stream.image_processor`)."""

    def preprocess(self, image: Any, height: int | None = None, width: int | None = None) -> Any:
        """Returns images as a float32 torch tensor [n][3][height][width] with values from -1 to 1. Sides are rounded
        down to a multiple of SIZE_MULTIPLE; without a size the image keeps its own."""
        own_height, own_width = size_of(image)
        sides = whole_sides(height or own_height, width or own_width)
        return tensor_of(planes_of(frames_of(image, *sides)))


def size_of(image: Any) -> tuple[int, int]:
    """Returns the height and width of an image in one of the forms that `frames_of` takes."""
    if isinstance(image, (list, tuple)):
        return size_of(image[0])
    if isinstance(image, Image.Image):
        return image.height, image.width
    height, width = channels_last(image).shape[1:3]
    return height, width
