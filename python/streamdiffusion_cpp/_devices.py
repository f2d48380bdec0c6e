"""The GPUs of this machine."""

from __future__ import annotations

from typing import NamedTuple

from . import _native


class ComputeDevice(NamedTuple):
    """A GPU that can run models.

    Attributes:
        device: the value for `Model.load(device=...)`, such as "cuda:0".
        name: the product name, as the driver reports it.
        memory_bytes: the total memory of the GPU.
        compute_capability: the CUDA compute capability, such as "9.0".
        bus_id: the PCI address.
    """

    device: str
    name: str
    memory_bytes: int
    compute_capability: str
    bus_id: str


class ComputeDevices(NamedTuple):
    """The GPUs of this machine.

    Attributes:
        gpus: the GPUs, in the order of their numbers in "cuda:N".
        problem: the reason why `gpus` is empty: no GPU, no driver, a missing library or a build without CUDA.
    """

    gpus: list[ComputeDevice]
    problem: str


def list_compute_devices() -> ComputeDevices:
    """Lists the GPUs that this build can use on this machine. It initialises CUDA, which takes a noticeable time."""
    gpus, problem = _native.list_compute_devices()
    return ComputeDevices([ComputeDevice(*gpu) for gpu in gpus], problem)
