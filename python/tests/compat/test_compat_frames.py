"""Frames are those of the original: the reference cases hold what its code computed on torch in float32."""

from __future__ import annotations

import numpy as np
import pytest
from reference import assert_same_image, levels_of, read_case

from streamdiffusion_cpp.compat import StreamDiffusion
from streamdiffusion_cpp.compat._engine import Engine

GUIDANCE = ["stream-img2img-none", "stream-img2img-full", "stream-img2img-self", "stream-img2img-initialize"]
OTHERS = [
    "stream-img2img-turbo", "stream-guidance-one", "stream-no-added-noise", "stream-self-no-added-noise",
    "stream-initialize-no-added-noise", "stream-boundary-scalings", "stream-prompt-change", "stream-prompt-change-full",
    "stream-prompt-change-initialize", "stream-kl",
]  # fmt: skip


def make_stream(case) -> StreamDiffusion:
    given = case.parameters
    stream = StreamDiffusion(
        case.model, given["t_index_list"], width=given["width"], height=given["height"],
        do_add_noise=given.get("do_add_noise", True), use_denoising_batch=given.get("use_denoising_batch", True),
        frame_buffer_size=given.get("frame_buffer_size", 1), cfg_type=given["cfg_type"], device="cpu",
    )  # fmt: skip
    stream.prepare(
        given["prompt"], given["negative_prompt"], guidance_scale=given["guidance_scale"],
        delta=given.get("delta", 1.0), seed=given["seed"],
    )  # fmt: skip
    return stream


def redraw(stream: StreamDiffusion, frame: np.ndarray) -> np.ndarray:
    return np.asarray(stream(np.moveaxis(frame, 0, -1)))[0]


@pytest.mark.parametrize("name", GUIDANCE + OTHERS)
def test_frames_from_images_are_the_originals(name):
    case = read_case(name)
    stream = make_stream(case)
    delay = len(case.parameters["t_index_list"]) - 1
    for index, frame in enumerate(case.tensors["in.frames"]):
        for event in case.parameters.get("events", []):
            if event["frame"] == index:
                if "prompt" in event:
                    stream.update_prompt(event["prompt"])
                stream.guidance_scale = event.get("guidance_scale", stream.guidance_scale)
                stream.delta = event.get("delta", stream.delta)
        image = levels_of(redraw(stream, frame))
        if index >= delay:
            assert_same_image(image, case.levels(index))


def test_until_the_batch_is_full_the_first_frame_comes_out():
    case = read_case("stream-img2img-self")
    stream = make_stream(case)
    for index in range(3):
        assert_same_image(levels_of(redraw(stream, case.tensors["in.frames"][index])), case.levels(2))


def test_frames_from_text_with_one_step_after_another_are_the_originals():
    case = read_case("stream-txt2img-sequential")
    stream = make_stream(case)
    draws = [
        noise
        for start, steps in zip(case.tensors["in.latents"], case.tensors["in.step_noise"], strict=True)
        for noise in (start[None], *steps)
    ]

    class Given:
        def randn(self, shape):
            assert draws[0].shape == shape
            return draws.pop(0)

    stream._random = Given()
    for index in range(len(case.tensors["in.latents"])):
        assert_same_image(levels_of(np.asarray(stream.txt2img())[0]), case.levels(index))
    assert not draws


def test_a_batch_from_text_adds_the_fixed_noise_between_its_steps(monkeypatch):
    given = []
    monkeypatch.setattr(Engine, "generate", lambda self, noise, output: given.append(noise) or [np.zeros((64, 96, 3), np.float32)])
    case = read_case("stream-img2img-none")
    stream = make_stream(case)
    stream.txt2img()
    stream.txt2img()
    for noise in given:
        np.testing.assert_allclose(noise[0, 1:], case.tensors["in.init_noise"][1:], atol=1e-6)
    assert not np.allclose(given[0][0, 0], given[1][0, 0])
