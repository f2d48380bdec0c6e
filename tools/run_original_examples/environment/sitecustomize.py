"""Stands in for what the original's programs expect of a machine and may not find: a GPU's clock, the network, and the
videos of torchvision. Python imports it when it starts, also in the processes that a program starts.

It changes nothing that computes images.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import time
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import PathFinder

# The programs mix queues of the default start method with processes that are spawned.
multiprocessing.set_start_method("spawn")


class ClockEvent:
    """The clock of the computer in place of torch.cuda.Event, or that of the processors' time in this process if BENCHMARK_CLOCK
    is "cpu"."""

    _now = staticmethod(time.process_time if os.environ.get("BENCHMARK_CLOCK") == "cpu" else time.perf_counter)

    def __init__(self, *_, **__):
        self._time = 0.0

    def record(self, *_):
        self._time = self._now()

    def elapsed_time(self, end):
        return (end._time - self._time) * 1000


def prepare_torch(torch):
    if not torch.cuda.is_available():
        torch.cuda.Event = ClockEvent
        torch.cuda.synchronize = lambda *_: None


def prepare_requests(requests):
    """Answers every request with the image that the benchmarks would download."""

    class Answer:
        content = open(os.environ["STAND_IN_IMAGE"], "rb").read()

    requests.get = lambda *_, **__: Answer


def prepare_torchvision_io(io_module):
    """Adds read_video and write_video, which newer versions of torchvision lack."""
    if not hasattr(io_module, "read_video"):
        io_module.read_video, io_module.write_video = read_video, write_video


def read_video(name):
    import av
    import torch

    with av.open(name) as container:
        stream = container.streams.video[0]
        frames = [torch.from_numpy(frame.to_ndarray(format="rgb24")) for frame in container.decode(stream)]
        return torch.stack(frames), None, {"video_fps": float(stream.average_rate)}


def write_video(name, frames, fps):
    import av
    import torch

    with av.open(name, "w") as container:
        stream = container.add_stream("mpeg4", rate=round(fps))
        stream.height, stream.width = frames.shape[1:3]
        for frame in frames.round().clamp(0, 255).to(torch.uint8).numpy():
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())


PREPARE = {"torch": prepare_torch, "requests": prepare_requests, "torchvision.io": prepare_torchvision_io}


class Preparer(MetaPathFinder, Loader):
    """Loads a module as Python does, and then prepares it."""

    def find_spec(self, name, path=None, target=None):
        if name not in PREPARE:
            return None
        spec = PathFinder.find_spec(name, path)
        if spec is not None and spec.loader is not None:
            self._loaders[name] = spec.loader
            spec.loader = self
        return spec

    _loaders: dict = {}

    def create_module(self, spec):
        return self._loaders[spec.name].create_module(spec)

    def exec_module(self, module):
        name = module.__spec__.name
        module.__spec__.loader = module.__loader__ = self._loaders[name]
        self._loaders[name].exec_module(module)
        PREPARE[name](module)


sys.meta_path.insert(0, Preparer())
