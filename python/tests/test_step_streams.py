"""Tests that streams which step together give what each gives alone."""

import numpy as np
import pytest
import streamdiffusion_cpp as sd

PROMPTS = ("red apple", "blue boat", "cat face")


def make_streams(model, **options):
    return [sd.Stream(model, width=64, height=64, prompt=prompt, seed=seed, **{"steps": 2, **options}) for seed, prompt in enumerate(PROMPTS)]


def images(count, seed=1):
    return [np.random.default_rng(seed + index).integers(0, 256, (64, 64, 3), dtype=np.uint8) for index in range(count)]


def test_streams_together_give_the_images_of_each_alone(model):
    together, alone = make_streams(model), make_streams(model)
    for turn in range(3):
        given = images(3, seed=10 * turn)
        results = sd.step_streams(together, given)
        expected = [stream.step(image) for stream, image in zip(alone, given)]
        for result, wanted in zip(results, expected):
            assert (result is None) == (wanted is None) == (turn == 0)
            if result is not None:
                assert np.abs(result.astype(int) - wanted).max() <= 1
                assert result.flags.owndata
    assert all(stream.last_image is not None for stream in together)


def test_frames_lists_and_sizes_may_be_mixed(model):
    first = sd.Stream(model, width=64, height=64, steps=1)
    second = sd.Stream(model, width=64, height=64, steps=1, frame_buffer_size=2)
    third = sd.Stream(model, width=32, height=32, steps=1)
    one, two, three = sd.step_streams([first, second, third], [sd.Frame(images(1)[0], 7, 0.5), images(2), np.zeros((32, 32, 3), np.uint8)])
    assert (one.number, one.time) == (7, 0.5)
    assert len(two) == 2
    assert three.shape == (32, 32, 3)
    assert sd.step_streams([first], images(1), output="float32")[0].dtype == np.float32
    assert sd.step_streams([], []) == []


def test_wrong_calls_are_named_and_change_nothing(model, small_model_path, image):
    streams, alone = make_streams(model), make_streams(model)
    other = sd.Stream(sd.Model.load(small_model_path, device="cpu", vae="full", threads=1), width=64, height=64, steps=1)
    closed = make_streams(model)[0]
    closed.close()
    wrong = {
        "2 images are given for 3 streams": (streams, images(2)),
        "listed twice": ([streams[0], streams[0]], images(2)),
        "different models": ([streams[0], other], images(2)),
        "closed": ([streams[0], closed], images(2)),
        "shape": (streams, [image, image, image[:32]]),
        "float value": (streams, [image, image, np.full((64, 64, 3), 9, np.float32)]),
    }
    for message, (given, inputs) in wrong.items():
        with pytest.raises(sd.ArgumentError, match=message):
            sd.step_streams(given, inputs)
    with pytest.raises(TypeError, match="a stream is None"):
        sd.step_streams([None], images(1))
    for _ in range(2):
        results = sd.step_streams(streams, images(3))
        expected = [stream.step(one) for stream, one in zip(alone, images(3))]
    for result, wanted in zip(results, expected):
        assert np.abs(result.astype(int) - wanted).max() <= 1


def test_each_streams_callback_is_called_and_may_stop_all(model, image):
    calls = []
    first = sd.Stream(model, width=64, height=64, steps=1, on_denoising_step=lambda call, count: calls.append((call, count)))
    second = sd.Stream(model, width=64, height=64, steps=1, on_denoising_step=lambda call, count: len(calls) < 2)
    assert all(result is not None for result in sd.step_streams([first, second], [image, image]))
    with pytest.raises(sd.Cancelled):
        sd.step_streams([first, second], [image, image])
    assert calls == [(0, 1), (0, 1)]


def test_an_exception_of_a_callback_comes_out(model, image):
    def fail(call, count):
        raise KeyError("mine")

    first, second = sd.Stream(model, width=64, height=64, steps=1, on_denoising_step=fail), make_streams(model, steps=1)[1]
    with pytest.raises(KeyError, match="mine"):
        sd.step_streams([second, first], [image, image])
    assert second.step(image) is not None
