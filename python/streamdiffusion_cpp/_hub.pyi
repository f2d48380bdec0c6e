# The extension module of the Hugging Face hub. Python's functions wrap it; nothing here is for programs.

from os import PathLike
from typing import Any, Callable, Sequence

def fetch_model(
    path: str | PathLike[str],
    vae: str | PathLike[str] | None,
    loras: Sequence[str | PathLike[str]],
    on_progress: Callable[[str, int, int, float], object] | None,
) -> tuple[Any, Any, list[Any], list[str], list[str]]: ...
