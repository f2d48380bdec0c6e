"""Conversions between numpy arrays and torch tensors. torch is imported when a tensor is made."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from typing import Any

import numpy as np


def is_tensor(value: object) -> bool:
    """True if `value` is a torch tensor."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def load_torch() -> Any:
    """Returns the module torch, which is imported if the program has not done so."""
    return importlib.import_module("torch")


def has_torch() -> bool:
    """True if torch can be imported."""
    return importlib.util.find_spec("torch") is not None


def array_of(tensor: Any) -> np.ndarray:
    """Returns the values of a torch tensor on any device as an array. Types that numpy lacks or that hold half
    precision become float32."""
    tensor = tensor.detach().cpu()
    array: np.ndarray = (tensor.float() if tensor.is_floating_point() else tensor).numpy()
    return array


def tensor_of(array: np.ndarray, dtype: Any = "float32") -> Any:
    """Returns an array as a torch tensor of `dtype`, a torch.dtype or the name of one.

    Without torch, which the original needs and this package does not, it returns the array in float32.
    """
    array = np.ascontiguousarray(array, np.float32)
    if not has_torch():
        return array
    torch = load_torch()
    return torch.from_numpy(array).to(getattr(torch, dtype) if isinstance(dtype, str) else dtype)
