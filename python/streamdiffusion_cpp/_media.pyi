# The extension module of images, videos and cameras. Python's functions wrap it; nothing here is for programs.

from os import PathLike
from typing import Any

import numpy as np
import numpy.typing as npt

class SourceReader:
    def __init__(
        self,
        input: str,
        format: str,
        width: int,
        height: int,
        fit: str,
        capture_width: int,
        capture_height: int,
        frame_rate: float,
        options: dict[str, str],
        strict: bool,
    ) -> None: ...
    def info(self) -> dict[str, Any]: ...
    def next(self) -> tuple[npt.NDArray[np.uint8], int, int] | None: ...
    def close(self) -> None: ...
    def take_warnings(self) -> list[str]: ...

def read_image(file: str | PathLike[str]) -> npt.NDArray[np.uint8]: ...
def write_image(file: str | PathLike[str], image: Any, text: dict[str, str], quality: int) -> None: ...
def encode_image(image: Any, format: str, quality: int) -> bytes: ...
def fit_image(image: Any, width: int, height: int, fit: str) -> npt.NDArray[np.uint8]: ...
