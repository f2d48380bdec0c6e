"""Tests that a wrong argument is named as the caller knows it, and that objects which cannot be copied say so."""

import copy
import pathlib
import pickle

import numpy as np
import pytest
import streamdiffusion_cpp as sd


def make(model, **options):
    return sd.Stream(model, **{"width": 64, "height": 64, "steps": 1, **options})


WRONG_TYPES = {
    "model is None": lambda model, stream, image: sd.Stream(None),
    "model is 'models/default'": lambda model, stream, image: sd.Stream("models/default"),
    "parameters is 'red apple', .* by name": lambda model, stream, image: sd.Stream(model, "red apple"),
    "parameters is {'steps': 1}, .* by name": lambda model, stream, image: stream.update({"steps": 1}),
    "width is 64.5, must be an integer": lambda model, stream, image: make(model, width=64.5),
    "height is '64', must be an integer": lambda model, stream, image: make(model, height="64"),
    "frame_buffer_size is None": lambda model, stream, image: make(model, frame_buffer_size=None),
    "on_denoising_step is 5, must be a function": lambda model, stream, image: make(model, on_denoising_step=5),
    "output is None": lambda model, stream, image: stream.step(image, output=None),
    "output is 3": lambda model, stream, image: stream.generate(output=3),
    "variations is 3, must be a list": lambda model, stream, image: stream.generate_images(3),
    "a variation is 1.5": lambda model, stream, image: stream.generate_images([1.5]),
    "path is 5, must be a path": lambda model, stream, image: sd.Model.load(5),
    "loras is 'pencil.safetensors', must be a list": lambda model, stream, image: sd.Model.load(loras="pencil.safetensors"),
    "embeddings is .*PosixPath.*, must be a list": lambda model, stream, image: sd.Model.load(embeddings=pathlib.Path("a.safetensors")),
    "the file of a LoRA is 5": lambda model, stream, image: sd.Model.load(loras=[5]),
    "the scale of a LoRA is 'half', must be a number": lambda model, stream, image: model.add_lora("a.safetensors", "half"),
    "threads is 1.5": lambda model, stream, image: sd.Model.load(threads=1.5),
    "device is None": lambda model, stream, image: sd.Model.load(device=None),
    "on_warning is 5": lambda model, stream, image: sd.Model.load(on_warning=5),
    "prompt is None": lambda model, stream, image: model.encode_prompt(None),
    "name is None": lambda model, stream, image: model.remove_lora(None),
    "a side of the shape is 2.5": lambda model, stream, image: sd.RandomGenerator(1).randn(2.5),
    "file is None, must be a path": lambda model, stream, image: sd.read_image(None),
    "quality is 'best'": lambda model, stream, image: sd.encode_image(image, quality="best"),
    "format is None": lambda model, stream, image: sd.encode_image(image, None),
    "size is 64, must be a pair": lambda model, stream, image: sd.fit_image(image, 64),
    "size is 32, must be a pair": lambda model, stream, image: sd.video("a.mp4", size=32),
    "input is 0, must be a path": lambda model, stream, image: sd.Source(0),
    "number is '/dev/video0'": lambda model, stream, image: sd.camera("/dev/video0"),
}


@pytest.mark.parametrize("message", WRONG_TYPES)
def test_a_wrong_type_is_named(message, model, stream, image):
    with pytest.raises(TypeError, match=message):
        WRONG_TYPES[message](model, stream, image)


WRONG_VALUES = {
    "width is 1099511627776": lambda model, stream, image: make(model, width=1 << 40),
    "a variation is -1, must be from 0": lambda model, stream, image: stream.generate_images([-1]),
    "a side of the shape is -1": lambda model, stream, image: sd.RandomGenerator(1).randn(-1, -2),
    "the number of values is": lambda model, stream, image: sd.RandomGenerator(1).randn(1 << 20, 1 << 20),
    "prompt has a character that is not valid Unicode": lambda model, stream, image: model.encode_prompt("\ud800"),
    '"prompt" has a value .* not valid Unicode': lambda model, stream, image: stream.update(prompt="\ud800"),
    '"guidance_scale" has a value': lambda model, stream, image: stream.update(guidance_scale=float("inf")),
    '"t_index_list" has a value .* a set': lambda model, stream, image: stream.update(t_index_list={1}),
    "most_pixels is -5": lambda model, stream, image: sd.decode_image(b"", -5),
    "image has values of the type float64; give uint8 or float32": lambda model, stream, image: stream.step(image.astype(float)),
    "latents has values of the type float64; give float32": lambda model, stream, image: stream.step(latents=np.zeros(stream.latent_shape)),
    "prompt_embeds has values of the type float16; give float32": lambda model, stream, image: stream.update(prompt_embeds=np.zeros((77, 32), "e")),
    "either Frame objects or images": lambda model, stream, image: make(model, frame_buffer_size=2).step([image, sd.Frame(image)]),
    "path is empty": lambda model, stream, image: sd.Model.load(""),
    "vae is empty": lambda model, stream, image: sd.Model.load(vae=""),
    "file is empty": lambda model, stream, image: sd.write_image("", image),
    "quality is 101, must be from 0 to 100": lambda model, stream, image: sd.encode_image(image, "jpeg", quality=101),
    'unknown fit "bend"; it is one of crop, pad, stretch': lambda model, stream, image: sd.fit_image(image, (8, 8), "bend"),
    'not "bmx"': lambda model, stream, image: sd.encode_image(image, "bmx"),
    "give it the extension .png": lambda model, stream, image: sd.write_image("image.bmx", image),
    "float value 2[0-9.]+, must be from 0 to 1; divide": lambda model, stream, image: stream.step(image.astype(np.float32)),
    "float value 2[0-9]+.0+, must be from 0 to 1": lambda model, stream, image: sd.encode_image(image.astype(np.float32)),
    "takes a list of 2 images": lambda model, stream, image: make(model, frame_buffer_size=2).step(np.stack([image, image])),
}


@pytest.mark.parametrize("message", WRONG_VALUES)
def test_a_wrong_value_is_named(message, model, stream, image):
    with pytest.raises(sd.ArgumentError, match=message):
        WRONG_VALUES[message](model, stream, image)


def test_numbers_of_numpy_are_numbers(model, image):
    stream = make(model, width=np.int64(64), height=np.uint16(64), frame_buffer_size=np.int32(1), strength=np.float32(0.5), seed=np.uint64(3))
    assert stream.size == (64, 64)
    assert len(stream.generate_images(np.arange(2))) == 2
    assert sd.RandomGenerator(np.int64(1)).randn(np.int64(2), 3).shape == (2, 3)
    assert sd.fit_image(image, np.array([32, 16])).shape == (16, 32, 3)


def test_any_sequence_is_a_list_of_indices(model):
    for indices in ([0, 10], (0, 10), range(0, 20, 10), np.array([0, 10])):
        assert make(model, t_index_list=indices).parameters.t_index_list == [0, 10]


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))])
def test_values_are_copied_and_objects_refuse_it(duplicate, model, stream, project):
    parameters = sd.Parameters(prompt="red apple", steps=3, prompt_embeds=np.ones((2, 2), np.float32))
    assert duplicate(parameters) == parameters
    assert duplicate(parameters).given().keys() == parameters.given().keys()
    assert duplicate(sd.Frame(None, 3, 0.5)).number == 3
    assert duplicate(sd.ArgumentError("width")).code == "invalid_argument"
    for value, advice in ((stream, "Stream\\("), (model, "Model.load"), (sd.Source(project / "examples" / "demo.mp4"), "open it again")):
        with pytest.raises(TypeError, match=advice):
            duplicate(value)


def test_a_frame_of_latents_is_shown_as_text(stream, image):
    frame = stream.step(sd.Frame(image), output="latents")
    assert frame._repr_png_() is None
