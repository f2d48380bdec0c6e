"""The exceptions of streamdiffusion_cpp, one class for each code of the library's errors, and its warnings."""

from __future__ import annotations

import warnings
from typing import Callable, Iterable, Optional


class Error(Exception):
    """A failure that a caller can act on. The message says what is wrong, where, and what to do.

    Attributes:
        code: the kind of the failure, such as "invalid_argument" (docs/library.md lists the kinds).
    """

    code: str = "other"


class ArgumentError(Error, ValueError):
    """An option, a setting or an array is out of range or does not fit the model or stream."""

    code = "invalid_argument"


class PromptError(Error, ValueError):
    """The model cannot use a prompt.

    Attributes:
        parameter: the name of the setting that holds the prompt, "prompt" or "negative_prompt".
    """

    code = "invalid_prompt"
    parameter: str = "prompt"


class FileError(Error):
    """A model file, LoRA or embedding is missing, malformed or not supported."""

    code = "invalid_file"


class MediaError(Error):
    """An image, a video or a camera cannot be opened, read or written."""

    code = "media"


class HubError(Error):
    """A model is not on the hub, or cannot be downloaded."""

    code = "hub"


class SystemRefusal(Error, OSError):
    """The operating system refused something, such as reading a file."""

    code = "system"


class OutOfMemory(Error, MemoryError):
    """The memory of the computer or of the device does not suffice."""

    code = "out_of_memory"


class DeviceError(Error):
    """The compute device is missing or cannot be used."""

    code = "device"


class DeviceLost(DeviceError):
    """The compute device failed and cannot be used in this process any more. Restart the program."""

    code = "device_lost"


class Cancelled(Error):
    """The caller stopped the call: by Stream.cancel, or because on_denoising_step returned False."""

    code = "cancelled"


class ModelWarning(UserWarning):
    """A problem that stops nothing, such as a LoRA key without a matching layer or a prompt that is cut off."""


def pass_on_warnings(messages: Iterable[str], on_warning: Optional[Callable[[str], object]]) -> None:
    """Gives messages to a function, or if it is None to Python's warnings, for the caller of the method that passes them on."""
    for message in messages:
        if on_warning is not None:
            on_warning(message)
        else:
            warnings.warn(message, ModelWarning, stacklevel=4)


_CLASSES = {
    kind.code: kind
    for kind in (ArgumentError, PromptError, FileError, MediaError, HubError, SystemRefusal, OutOfMemory, DeviceError, DeviceLost, Cancelled)
}


def error_of(code: str, message: str, parameter: str = "") -> Error:
    """Returns the exception for an error of the library. The extension modules call it."""
    error = _CLASSES.get(code, Error)(message)
    if isinstance(error, PromptError):
        error.parameter = parameter
    return error
