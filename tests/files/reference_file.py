"""What a kind of files gives the test: files that a library of today wrote, and what the library computes with them."""

import dataclasses
import importlib
import pathlib
import shutil
from collections.abc import Callable


@dataclasses.dataclass
class ReferenceFile:
    """A file that `make` writes into an empty folder, where it also writes a conformance case (FORMAT.md).

    `requires`: modules, and programs as "program NAME".
    `refused`: words that the error must hold where the file is not supported; () where the numbers must agree.
    `compare`: takes the place of the conformance case; returns whether the file came out right, and what happened."""

    name: str
    make: Callable[[pathlib.Path], None]
    requires: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    compare: Callable[[pathlib.Path], tuple[bool, str]] | None = None


def reason_of_absence(name):
    """None where the module can be imported, or the program is there."""
    if name.startswith("program "):
        return None if shutil.which(name.removeprefix("program ")) else "is not installed"
    try:
        importlib.import_module(name)
    except Exception as error:  # a broken installation may raise anything
        return f"cannot be imported ({type(error).__name__}: {error})".splitlines()[0]
    return None


def missing(names):
    """Those that cannot be had, each with the reason."""
    reasons = {name: reason_of_absence(name) for name in names}
    return {name: reason for name, reason in reasons.items() if reason}
