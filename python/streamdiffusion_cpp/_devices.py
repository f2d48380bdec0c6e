"""The GPUs of this machine."""

from __future__ import annotations

from typing import NamedTuple

from . import _native


class ComputeDevice(NamedTuple):
    """A GPU that can run models.

    Attributes:
        device: the value for `Model.load(device=...)`, such as "cuda:0" or "vulkan:0".
        name: the product name, as the driver reports it.
        memory_bytes: the total memory of the GPU.
        compute_capability: the CUDA compute capability, such as "9.0"; empty for Vulkan.
        bus_id: the PCI address; empty for Vulkan.
        driver: "CUDA", or name and version of the Vulkan driver.
        is_discrete: True if the GPU has memory of its own.
        is_software: True if the "GPU" is a program on the CPU, such as Mesa's llvmpipe.
    """

    device: str
    name: str
    memory_bytes: int
    compute_capability: str
    bus_id: str
    driver: str
    is_discrete: bool
    is_software: bool


class ComputeDevices(NamedTuple):
    """The GPUs of this machine.

    Attributes:
        gpus: those of CUDA, then those of Vulkan, each in the order of their numbers. A GPU may be in both.
        cuda_problem: the reason why CUDA has none: no GPU, no driver, a missing library or a build without CUDA.
        vulkan_problem: the reason why Vulkan has none, or what the devices lack that cannot be used.
    """

    gpus: list[ComputeDevice]
    cuda_problem: str
    vulkan_problem: str


def list_compute_devices() -> ComputeDevices:
    """Lists the GPUs that this build can use on this machine. It initialises CUDA and Vulkan, which takes a noticeable time."""
    gpus, cuda_problem, vulkan_problem = _native.list_compute_devices()
    return ComputeDevices([ComputeDevice(*gpu) for gpu in gpus], cuda_problem, vulkan_problem)
