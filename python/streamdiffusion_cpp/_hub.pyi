# The extension module of the Hugging Face hub. Python's functions wrap it; nothing here is for programs.

from os import PathLike
from typing import Any, Sequence

def fetch_model(
    path: str | PathLike[str], vae: str | PathLike[str] | None, loras: Sequence[str | PathLike[str]]
) -> tuple[Any, Any, list[Any], list[str]]: ...
