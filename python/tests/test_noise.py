"""Tests that images from text start from the caller's noise, and that it is drawn as PyTorch draws it."""

import numpy as np
import pytest
import streamdiffusion_cpp as sd

STEPS = [0, 16, 45]


@pytest.fixture
def stream(model):
    with sd.Stream(model, width=64, height=64, prompt="red apple", t_index_list=STEPS, seed=3, use_denoising_batch=False) as stream:
        yield stream


def noise_of(stream, seed=3):
    """Returns the noise that the stream draws for its first image."""
    generator = sd.RandomGenerator(seed)
    generator.randn(len(STEPS), *stream.latent_shape)  # the fixed noise
    return np.stack([generator.randn(*stream.latent_shape) for _ in STEPS])[None]


def test_the_noise_that_the_stream_would_draw_gives_the_same_image(stream):
    noise = noise_of(stream)
    assert np.array_equal(stream.generate(noise=noise), stream.generate())
    assert not np.array_equal(stream.generate(noise=noise_of(stream, seed=4)), stream.generate(noise=noise))


def test_strided_noise_is_read_as_it_is(stream):
    noise = noise_of(stream)
    assert np.array_equal(stream.generate(noise=np.repeat(noise, 2, axis=-1)[..., ::2]), stream.generate(noise=noise))


def test_wrong_noise_is_refused(stream):
    noise = noise_of(stream)
    broken = noise.copy()
    broken[0, 1, 2, 3, 4] = np.nan
    for wrong in (noise[0], noise[:, :2], noise[..., :-1], noise.astype(np.float64), np.concatenate([noise, noise]), broken, "noise"):
        with pytest.raises(sd.ArgumentError, match="noise"):
            stream.generate(noise=wrong)


def test_numbers_follow_from_the_seed():
    first = sd.RandomGenerator(5).randn(2, 3)
    assert (first.shape, first.dtype) == ((2, 3), np.float32)
    assert np.array_equal(sd.RandomGenerator(5 + 2**64).randn(2, 3), first)
    assert not np.array_equal(sd.RandomGenerator(6).randn(2, 3), first)
    assert sd.RandomGenerator(-1).randn().shape == ()
