"""Tests that models load as in the library, and what they tell."""

import gc
import warnings
import weakref

import numpy as np
import pytest
import streamdiffusion_cpp as sd


def test_the_default_model_comes_with_the_package():
    model = sd.Model.load(device="cpu")
    assert model.info.native_size == 256
    assert "default" in repr(model)
    assert "256x256" in repr(model)


def test_info_describes_the_model(model):
    info = model.info
    assert info.name == "tiny-sd15"
    assert info.device == "cpu"
    assert info.size_multiple == 8
    assert info.loras == {}


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        ({"path": "/nowhere"}, sd.FileError, "/nowhere"),
        ({"device": "toaster"}, sd.Error, "toaster"),
        ({"device": "cuda:77"}, sd.DeviceError, "cuda:77|CUDA"),
        ({"precision": "f64"}, sd.ArgumentError, "f64"),
        ({"threads": -1}, sd.ArgumentError, "threads"),
        ({"loras": ["/nowhere.safetensors"]}, sd.FileError, "nowhere"),
        ({"lora_folder": "/nowhere"}, sd.FileError, "nowhere"),
        ({"vae": "/nowhere"}, sd.Error, "nowhere"),
        ({"embeddings": ["/nowhere.safetensors"]}, sd.FileError, "nowhere"),
        ({"path": "a\0b"}, (TypeError, sd.Error), "path|load"),
        ({"threads": "two"}, TypeError, "threads"),
    ],
)
def test_wrong_options_raise_errors_that_name_them(small_model_path, arguments, kind, message):
    with pytest.raises(kind, match=message):
        sd.Model.load(**{"path": small_model_path, "device": "cpu", "vae": "full", **arguments})


def test_errors_have_the_librarys_codes(small_model_path):
    with pytest.raises(sd.Error) as caught:
        sd.Model.load("/nowhere")
    assert caught.value.code == "invalid_file"


def test_encode_prompt_returns_an_array_that_owns_its_memory(model):
    embedding = model.encode_prompt("red apple")
    assert embedding.shape == (model.info.prompt_tokens, model.info.embedding_width)
    assert embedding.dtype == np.float32
    assert embedding.flags.owndata
    with pytest.raises(sd.ArgumentError):
        model.encode_prompt("red apple", {"pencil": 1})


def test_an_embedding_takes_the_place_of_its_prompt(model, stream, image):
    expected = stream.step(image)
    stream.update(prompt="boat")
    assert not np.array_equal(stream.step(image), expected)
    stream.update(prompt_embeds=model.encode_prompt("red apple"))
    assert np.array_equal(stream.step(image), expected)
    stream.update(prompt="boat")
    assert not np.array_equal(stream.step(image), expected)
    with pytest.raises(sd.ArgumentError, match="prompt_embeds"):
        stream.update(prompt_embeds=np.zeros((3, 3), np.float32))


def test_loras_change_images_while_a_stream_runs(small_model_path, image):
    model = sd.Model.load(small_model_path, device="cpu", vae="full", threads=1)
    stream = sd.Stream(model, width=64, height=64, prompt="red apple", steps=1)
    plain = stream.step(image)
    name = model.add_lora(small_model_path / "lora-kohya.safetensors", scale=0.5)
    assert name == "lora-kohya"
    assert model.info.loras == {"lora-kohya": 0.5}
    stream.update(loras={name: 2})
    assert not np.array_equal(stream.step(image), plain)
    assert stream.parameters.loras == {name: 2}
    stream.update(loras={name: 0})
    assert np.array_equal(stream.step(image), plain)
    with pytest.raises(sd.ArgumentError, match="other"):
        stream.update(loras={"other": 1})
    model.remove_lora(name)
    stream.update()
    assert stream.parameters.loras == {}
    with pytest.raises(sd.ArgumentError):
        model.remove_lora(name)


def test_loras_are_loaded_with_the_model(small_model_path):
    model = sd.Model.load(
        small_model_path, device="cpu", vae="full", loras=[sd.Lora(small_model_path / "lora-kohya.safetensors", 0.25, "style")]
    )
    assert model.info.loras == {"style": 0.25}


def test_warnings_are_pythons(model):
    long_prompt = "red apple " * 100
    with pytest.warns(sd.ModelWarning):
        sd.Stream(model, width=64, height=64, prompt=long_prompt, steps=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(sd.ModelWarning):
            model.encode_prompt(long_prompt + "boat")


def test_warnings_go_to_the_programs_own_function(small_model_path):
    messages = []
    model = sd.Model.load(small_model_path, device="cpu", vae="full", on_warning=messages.append)
    model.encode_prompt("red apple " * 100)
    assert len(messages) == 1


def test_a_model_lives_as_long_as_its_streams(small_model_path, image):
    model = sd.Model.load(small_model_path, device="cpu", vae="full", threads=1)
    reference = weakref.ref(model)
    stream = sd.Stream(model, width=64, height=64, steps=1)
    del model
    gc.collect()
    assert stream.step(image) is not None
    del stream
    gc.collect()
    assert reference() is None


def test_gpus_are_listed_or_the_reason_is_told():
    devices = sd.list_compute_devices()
    for api, problem in (("cuda", devices.cuda_problem), ("vulkan", devices.vulkan_problem)):
        assert any(gpu.device.startswith(api) for gpu in devices.gpus) or problem
