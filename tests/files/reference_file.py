"""Descriptions of the files that current libraries write, and of the results that the libraries compute with them."""

import dataclasses
import importlib
import pathlib
import shutil
from collections.abc import Callable


@dataclasses.dataclass
class ReferenceFile:
    """A file that `make` writes into an empty folder, with a conformance case (FORMAT.md).

    `requires`: modules, and programs as "program NAME".
    `refused`: words that the error must contain if the file is not supported; () if the results must agree.
    `compare`: replaces the conformance case; returns if the file passed, and what happened."""

    name: str
    make: Callable[[pathlib.Path], None]
    requires: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    compare: Callable[[pathlib.Path], tuple[bool, str]] | None = None


def reason_of_absence(name):
    """Returns why a module cannot be imported or a program is missing, or None if it is available."""
    if name.startswith("program "):
        return None if shutil.which(name.removeprefix("program ")) else "is not installed"
    try:
        importlib.import_module(name)
    except Exception as error:  # A broken installation may raise anything.
        return f"cannot be imported ({type(error).__name__}: {error})".splitlines()[0]
    return None


def missing(names):
    """Returns the names that are not available, each with the reason."""
    reasons = {name: reason_of_absence(name) for name in names}
    return {name: reason for name, reason in reasons.items() if reason}
