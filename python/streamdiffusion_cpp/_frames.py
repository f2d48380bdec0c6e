"""Images with a number and a time, as sources give them and streams pass them on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._errors import ArgumentError

if TYPE_CHECKING:
    from ._arrays import Array, ImageLike


MICROSECONDS = 1_000_000  # in a second


class Frame:
    """An image, with a number and a time that a stream passes on from input to output.

    A frame is taken wherever an image is. Transitions of prompts and seeds run by the time.

    Attributes:
        image: the image, usually a numpy array of uint8 values of the shape (height, width, 3).
        number: the number of the frame; sources count from 0.
        time: the capture or presentation time in seconds since the source's start.
    """

    __slots__ = ("image", "number", "time")

    def __init__(self, image: ImageLike, number: int = 0, time: float = 0.0) -> None:
        self.image: Any = image
        self.number = number
        self.time = time

    def microseconds(self) -> int:
        """Returns the time in microseconds. Raises ArgumentError if it is no number of seconds."""
        try:
            return round(self.time * MICROSECONDS)
        except (TypeError, ValueError, OverflowError):
            raise ArgumentError(f"time is {self.time!r}, must be a number of seconds") from None

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        import numpy as np

        array = np.asarray(self.image, dtype=dtype)
        return array.copy() if copy else array

    def __repr__(self) -> str:
        shape = getattr(self.image, "shape", None)
        size = f"{shape[1]}x{shape[0]}, " if shape is not None and len(shape) == 3 else ""
        return f"Frame({size}number={self.number}, time={self.time:.3f})"

    def _repr_png_(self) -> bytes | None:
        from ._media import encode_image
        from ._arrays import readable

        image = readable(self.image)
        shape: tuple[int, ...] = getattr(image, "shape", ())
        if len(shape) != 3 or shape[2] not in (3, 4):  # latents
            return None
        return encode_image(image, "png", -1)
