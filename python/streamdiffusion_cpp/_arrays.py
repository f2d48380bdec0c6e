"""The arrays that go into the library and come out of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Union

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    #: An image: uint8 values of 0 to 255 or float32 values of 0 to 1, of the shape (height, width, 3 or 4). Anything with the
    #: buffer protocol, DLPack or the array interface is taken: numpy, torch (in the computer's memory), PIL, memoryview.
    ImageLike = Any
    #: Latents: float32 values of the shape (channels, height / 8, width / 8), multiplied by the scaling factor as in diffusers.
    LatentsLike = Any
    Array = Union[npt.NDArray[np.uint8], npt.NDArray[np.float32]]
    FloatArray = npt.NDArray[np.float32]

#: The form of a result: an image of uint8 values (0 to 255) or float32 values (0 to 1), of the shape (height, width, 3), or latents
#: of float32 values, of the shape (channels, height / 8, width / 8).
Output = Literal["uint8", "float32", "latents"]


def readable(image: ImageLike) -> Any:
    """Returns an object that the extension modules read: the image itself, or an array of a PIL image or of an object with the
    array interface alone."""
    if isinstance(image, memoryview) or hasattr(image, "__dlpack__"):
        return image
    if hasattr(image, "convert") and hasattr(image, "mode"):  # PIL
        if image.mode not in ("RGB", "RGBA"):
            image = image.convert("RGB")
    elif not hasattr(image, "__array_interface__") and not hasattr(image, "__array__"):
        return image
    import numpy as np

    return np.asarray(image)
