"""Fixtures that the tests share: the default model, a small random one, and an image."""

import os
from pathlib import Path

import numpy as np
import pytest
import streamdiffusion_cpp as sd

PROJECT = Path(os.environ.get("STREAMDIFFUSION_PROJECT", Path(__file__).resolve().parents[2]))
SMALL_MODEL = PROJECT / "tests" / "conformance" / "cases" / "models" / "tiny-sd15"
SMALL_SIZE = 64


@pytest.fixture(scope="session")
def project():
    return PROJECT


@pytest.fixture(scope="session")
def small_model_path():
    return SMALL_MODEL


@pytest.fixture(scope="session")
def model():
    """A small random model."""
    return sd.Model.load(SMALL_MODEL, device="cpu", vae="full", threads=1)


@pytest.fixture
def stream(model):
    with sd.Stream(model, width=SMALL_SIZE, height=SMALL_SIZE, prompt="red apple", strength=0.7, steps=1) as stream:
        yield stream


@pytest.fixture
def image():
    """An image with many levels, the same in every run."""
    return np.random.default_rng(1).integers(0, 256, (SMALL_SIZE, SMALL_SIZE, 3), dtype=np.uint8)
