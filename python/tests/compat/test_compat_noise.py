"""Random numbers are torch's, with torch and without it."""

from __future__ import annotations

import numpy as np
import pytest
from reference import CASES, read_tensors

from streamdiffusion_cpp.compat import _noise


def test_own_numbers_are_those_of_torch():
    wanted = read_tensors(CASES / "stream-img2img-self/tensors.safetensors")["in.init_noise"]
    generator = _noise.OwnGenerator(1)
    generator.manual_seed(11)
    np.testing.assert_allclose(generator.randn(wanted.shape), wanted, atol=1e-6)


def test_torchs_global_generator_is_the_source_where_torch_is_loaded():
    torch = pytest.importorskip("torch")
    for seed in (3, _noise.TORCH_DEFAULT_SEED):
        torch.manual_seed(seed)
        drawn = _noise.global_generator().randn((2, 4, 8, 8))
        np.testing.assert_allclose(_noise.OwnGenerator(seed).randn((2, 4, 8, 8)), drawn, atol=1e-6)


def test_generators_of_torch_are_taken_as_they_are():
    torch = pytest.importorskip("torch")
    given = torch.Generator()
    generator = _noise.generator_of(given)
    generator.manual_seed(5)
    first = generator.randn((16,))
    assert given.initial_seed() == 5
    assert not np.array_equal(generator.randn((16,)), first)
    assert _noise.generator_of(generator) is generator
