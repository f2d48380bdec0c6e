"""What a kind of files gives the test: files that a library of today wrote, and what the library computes with them."""

import dataclasses
import importlib
import pathlib
from collections.abc import Callable


@dataclasses.dataclass
class ReferenceFile:
    """A file that `make` writes into an empty folder, where it also writes a conformance case (FORMAT.md).

    `refused`: words that the error must hold where the file is not supported; () where the numbers must agree."""

    name: str
    make: Callable[[pathlib.Path], None]
    requires: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()


def missing_modules(names):
    """Those that cannot be imported, each with the reason."""
    missing = {}
    for name in names:
        try:
            importlib.import_module(name)
        except Exception as error:  # a broken installation may raise anything
            missing[name] = f"{type(error).__name__}: {error}".splitlines()[0]
    return missing
