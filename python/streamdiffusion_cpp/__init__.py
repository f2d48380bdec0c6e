"""Real-time image generation by diffusion.

    import streamdiffusion_cpp as sd

    model = sd.Model.load()
    stream = sd.Stream(model, prompt="penguin on a light blue background", strength=0.7, steps=2)
    for frame in sd.video("drawing.mp4", size=stream.size):
        result = stream.step(frame)

docs/python.md is the tutorial.
"""

from ._devices import ComputeDevice, ComputeDevices, list_compute_devices
from ._errors import (
    ArgumentError,
    Cancelled,
    DeviceError,
    DeviceLost,
    Error,
    FileError,
    HubError,
    MediaError,
    ModelWarning,
    OutOfMemory,
    PromptError,
    SystemRefusal,
)
from ._frames import Frame
from ._model import DEFAULT_MODEL, Download, Lora, Model, ModelInfo, TextualInversion
from ._native import t_index_list_for
from ._native import version as _version
from ._parameters import Parameters
from ._random import RandomGenerator
from ._sinks import Sink
from ._sources import Source, SourceInfo, camera, decode_image, encode_image, fit_image, read_image, video, write_image
from ._step_streams import step_streams
from ._stream import LatentShape, Statistics, Stream

__version__: str = _version()

__all__ = [
    "DEFAULT_MODEL",
    "ArgumentError",
    "Cancelled",
    "ComputeDevice",
    "ComputeDevices",
    "DeviceError",
    "DeviceLost",
    "Download",
    "Error",
    "FileError",
    "Frame",
    "HubError",
    "LatentShape",
    "Lora",
    "MediaError",
    "Model",
    "ModelInfo",
    "ModelWarning",
    "OutOfMemory",
    "Parameters",
    "PromptError",
    "RandomGenerator",
    "Sink",
    "Source",
    "SourceInfo",
    "Statistics",
    "Stream",
    "SystemRefusal",
    "TextualInversion",
    "camera",
    "decode_image",
    "encode_image",
    "fit_image",
    "list_compute_devices",
    "read_image",
    "step_streams",
    "t_index_list_for",
    "video",
    "write_image",
]
