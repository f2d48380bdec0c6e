"""Checks of arguments. Their messages name an argument as the caller knows it."""

from __future__ import annotations

import operator
import os
from typing import Any, Iterable, Mapping, Optional, TypeVar, Union

from ._errors import ArgumentError

T = TypeVar("T")

#: The largest value of an int of the extension modules.
LARGEST_INT = 2**31 - 1


def _type_error(value: Any, name: str, wanted: str) -> TypeError:
    given = repr(value)
    if len(given) > 50:
        given = f"of the type {type(value).__name__}"
    return TypeError(f"{name} is {given}, must be {wanted}")


def integer(value: Any, name: str, lowest: int = -LARGEST_INT, highest: int = LARGEST_INT) -> int:
    """Returns an integer, also one of numpy's. Raises ArgumentError if it is out of range."""
    try:
        number = operator.index(value)
    except TypeError:
        raise _type_error(value, name, "an integer") from None
    if not lowest <= number <= highest:
        raise ArgumentError(f"{name} is {number}, must be from {lowest} to {highest}")
    return number


def number(value: Any, name: str) -> float:
    """Returns a number as a float."""
    if isinstance(value, (str, bytes)) or not (hasattr(value, "__float__") or hasattr(value, "__index__")):
        raise _type_error(value, name, "a number")
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        raise _type_error(value, name, "a number") from None


def text(value: Any, name: str) -> str:
    """Returns a str. Raises ArgumentError if UTF-8 has no form for it."""
    if not isinstance(value, str):
        raise _type_error(value, name, "a str")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise ArgumentError(f"{name} has a character that is not valid Unicode at the index {error.start}") from None
    return value


def path(value: Any, name: str) -> Union[str, os.PathLike[str]]:
    """Returns a path as it is. Raises ArgumentError if it is empty, which file systems take for the current folder."""
    if not isinstance(value, (str, bytes, os.PathLike)):
        raise _type_error(value, name, "a path: a str or an os.PathLike")
    if not value:
        raise ArgumentError(f"{name} is empty; give the path of a file or folder")
    return value  # type: ignore[return-value]


def size(value: Any, name: str) -> tuple[int, int]:
    """Returns a pair of width and height."""
    try:
        width, height = value
    except (TypeError, ValueError):
        raise _type_error(value, name, "a pair of width and height") from None
    return integer(width, f"the width of {name}"), integer(height, f"the height of {name}")


def texts(values: Optional[Mapping[str, str]], name: str) -> dict[str, str]:
    """Returns texts by keyword; None stands for none."""
    return {text(key, f"a key of {name}"): text(value, f"{key!r} of {name}") for key, value in dict(values or {}).items()}


def several(values: Iterable[T], name: str) -> list[T]:
    """Returns the items of an iterable as a list. A single path or text is an iterable that nobody means."""
    if isinstance(values, (str, bytes, os.PathLike)) or not hasattr(values, "__iter__"):
        raise _type_error(values, name, "a list")
    return list(values)


def instance(value: Any, kind: type, name: str, wanted: str) -> None:
    """Raises TypeError unless a value is of a class."""
    if not isinstance(value, kind):
        raise _type_error(value, name, wanted)


def callback(value: Any, name: str) -> None:
    """Raises TypeError unless a value is None or can be called."""
    if value is not None and not callable(value):
        raise _type_error(value, name, "a function or None")
