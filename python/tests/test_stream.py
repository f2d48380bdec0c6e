"""Tests that a stream of Python's is the library's."""

import numpy as np
import pytest
import streamdiffusion_cpp as sd


def test_a_step_returns_a_new_array_that_owns_its_memory(stream, image):
    result = stream.step(image)
    assert result.shape == (64, 64, 3)
    assert result.dtype == np.uint8
    assert result.flags.owndata
    assert result.flags.writeable
    again = stream.step(image)
    assert again is not result
    assert np.array_equal(again, result)


def test_results_are_floats_or_latents_if_wanted(stream, image):
    levels = stream.step(image)
    floats = stream.step(image, output="float32")
    assert floats.dtype == np.float32
    assert np.abs(floats * 255 - levels).max() <= 0.5 + 1e-3
    latents = stream.step(image, output="latents")
    assert latents.shape == stream.latent_shape
    assert np.array_equal(stream.decode(latents), levels)
    with pytest.raises(sd.ArgumentError, match="output"):
        stream.step(image, output="jpeg")


def test_latents_take_the_place_of_an_image(stream, image):
    latents = stream.encode(image)
    assert latents.dtype == np.float32
    assert np.array_equal(stream.step(latents=latents), stream.step(image))
    assert np.array_equal(stream.generate_image(latents=latents), stream.generate_image(image))
    for wrong in (latents[:2], latents.astype(np.float64), latents.reshape(-1), image, None):
        with pytest.raises(sd.ArgumentError):
            stream.step(latents=wrong)
    with pytest.raises(sd.ArgumentError):
        stream.step(image, latents=latents)


def test_a_batch_fills_before_frames_come_out(model, image):
    with sd.Stream(model, width=64, height=64, prompt="red apple", steps=2) as stream:
        frames = [stream.step(sd.Frame(image, number, number / 25)) for number in range(4)]
        assert frames[0] is None
        assert [frame.number for frame in frames[1:]] == [0, 1, 2]
        assert frames[2].time == pytest.approx(0.04)
        assert stream.in_flight
        assert [frame.number for frame in stream.drain()] == [3]
        assert stream.drain() == []
        assert not stream.in_flight


def test_lists_go_through_a_buffer_together(model, image):
    with sd.Stream(model, width=64, height=64, steps=1, frame_buffer_size=2) as stream:
        results = stream.step([image, image[::-1]])
        assert len(results) == 2
        with sd.Stream(model, width=64, height=64, steps=1) as single:
            assert np.abs(single.step(image).astype(int) - results[0]).max() <= 1
        with pytest.raises(sd.ArgumentError, match="takes a list of 2 images"):
            stream.step([image])
        assert len(stream.generate()) == 2


def test_text_to_image_has_fresh_noise(stream):
    stream.update(strength=1)
    first, second = stream.generate(), stream.generate()
    assert not np.array_equal(first, second)
    assert stream.generate_image().shape == (64, 64, 3)


def test_variations_are_drawn_from_their_seeds(stream):
    stream.update(strength=1, seed=3)
    images = stream.generate_images([0, 7])
    stream.update(seed=10)
    assert np.array_equal(stream.generate_images([0])[0], images[1])
    with pytest.raises((sd.ArgumentError, TypeError)):
        stream.generate_images([-1])


def test_transitions_run_by_the_time_of_frames(model, image):
    with sd.Stream(model, width=64, height=64, prompt="red apple", steps=1) as stream:
        before = stream.step(image, time=0)
        stream.update(prompt="boat", prompt_transition=2)
        stream.step(image, time=0.5)
        half = stream.step(image, time=1.5)
        after = stream.step(image, time=4)
        assert not np.array_equal(before, half)
        assert not np.array_equal(half, after)


def test_callbacks_see_each_unet_call(model, image):
    calls = []
    stream = sd.Stream(model, width=64, height=64, steps=3, use_denoising_batch=False, on_denoising_step=lambda *call: calls.append(call))
    stream.step(image)
    assert calls == [(0, 3), (1, 3), (2, 3)]


def test_a_callback_stops_a_call_and_leaves_the_stream_as_it_was(model, image):
    answers = {"go_on": True}
    stream = sd.Stream(model, width=64, height=64, steps=2, use_denoising_batch=False, on_denoising_step=lambda *_: answers["go_on"])
    expected = stream.step(image)
    answers["go_on"] = False
    with pytest.raises(sd.Cancelled) as caught:
        stream.step(image)
    assert caught.value.code == "cancelled"
    answers["go_on"] = True
    assert np.array_equal(stream.step(image), expected)


def test_exceptions_of_callbacks_come_out(model, image):
    def fail(call, calls):
        raise KeyError("lost")

    stream = sd.Stream(model, width=64, height=64, steps=1, on_denoising_step=fail)
    with pytest.raises(KeyError, match="lost"):
        stream.step(image)


def test_a_callback_cannot_call_its_stream(model, image):
    stream = sd.Stream(model, width=64, height=64, steps=1, on_denoising_step=lambda *_: stream.step(image) is None)
    with pytest.raises(sd.ArgumentError, match="callback"):
        stream.step(image)


def test_a_closed_stream_says_so(model, image):
    with sd.Stream(model, width=64, height=64, steps=1) as stream:
        latents = stream.encode(image)
        assert not stream.closed
    assert stream.closed
    assert "closed" in repr(stream)
    stream.close()
    for call in (
        lambda: stream.step(image),
        stream.generate,
        stream.generate_image,
        lambda: stream.generate_images([1]),
        stream.drain,
        lambda: stream.update(prompt="boat"),
        lambda: stream.encode(image),
        lambda: stream.decode(latents),
        lambda: stream.statistics,
        lambda: stream.in_flight,
        lambda: stream.parameters,
    ):
        with pytest.raises(sd.ArgumentError, match="closed"):
            call()


@pytest.mark.parametrize(
    "options",
    [{"width": 63}, {"width": 0}, {"height": -8}, {"width": 1 << 40}, {"frame_buffer_size": 0}, {"frame_buffer_size": 4096}, {"width": "64"}],
)
def test_wrong_options_are_refused(model, options):
    with pytest.raises((sd.ArgumentError, TypeError)):
        sd.Stream(model, **{"width": 64, "height": 64, **options})


def test_statistics_count(stream, image):
    stream.step(image)
    stream.step(image)
    assert stream.statistics.steps == 2
    assert stream.statistics.skipped == 0
    assert stream.statistics.unet_seconds > 0


def test_the_similarity_filter_returns_the_last_result_again(stream, image):
    stream.update(similarity_threshold=0, max_skip_frame=1000)
    results = [stream.step(image) for _ in range(4)]
    assert stream.statistics.skipped > 0
    assert all(np.array_equal(result, results[0]) for result in results)


def test_a_stream_shows_itself(stream, image):
    assert "64x64" in repr(stream)
    assert "red apple" in repr(stream)
    assert stream._repr_png_() is None
    result = stream.step(image)
    assert stream._repr_png_().startswith(b"\x89PNG")
    assert stream.last_image is result
