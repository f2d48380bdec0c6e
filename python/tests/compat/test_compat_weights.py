"""Where weights come from: diffusers' objects, LoRAs in each of their forms, autoencoders."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from reference import MODELS, assert_same_image

from streamdiffusion_cpp.compat import StreamDiffusion, StreamDiffusionWrapper, _weights

TINY = MODELS / "tiny-sd15"
LORA = TINY / "lora-kohya.safetensors"
PHOTO = Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 96, 3), np.uint8))


def redraw(stream: StreamDiffusion) -> np.ndarray:
    """Returns the image that the stream makes of PHOTO."""
    stream.prepare("a red boat")
    return stream._redraw(PHOTO, "uint8")[0].astype(np.float32)


def make_stream(pipe) -> StreamDiffusion:
    return StreamDiffusion(pipe, [22, 45], width=96, height=64, device="cpu")


@pytest.fixture
def pipeline():
    pytest.importorskip("torch")
    diffusers = pytest.importorskip("diffusers")
    return diffusers.StableDiffusionPipeline.from_pretrained(str(TINY), safety_checker=None)


def test_a_pipeline_of_diffusers_gives_the_image_of_its_folder(pipeline):
    assert_same_image(redraw(make_stream(pipeline)), redraw(make_stream(str(TINY))))


def test_weights_that_were_changed_in_memory_are_the_ones_in_use(pipeline):
    import torch

    with torch.no_grad():
        pipeline.unet.conv_out.bias += 1
    assert np.abs(redraw(make_stream(pipeline)) - redraw(make_stream(TINY))).max() > 4


def test_a_pipeline_with_loras_of_its_own_is_refused(pipeline):
    pipeline.unet.peft_config = {"default": object()}
    with pytest.raises(ValueError, match="load_lora"):
        make_stream(pipeline).prepare("")


def test_an_autoencoder_of_diffusers_takes_the_place_of_the_models(pipeline):
    import torch

    stream = make_stream(str(TINY))
    with torch.no_grad():
        pipeline.vae.decoder.layers[-1].bias += 0.5
    stream.vae = pipeline.vae
    assert stream.vae is pipeline.vae
    assert np.abs(redraw(stream) - redraw(make_stream(TINY))).max() > 4


def test_an_autoencoder_by_its_folder_takes_the_place_of_the_models():
    stream = make_stream(MODELS / "tiny-kl")
    stream.vae = str(TINY / "vae")
    assert np.abs(redraw(stream) - redraw(make_stream(MODELS / "tiny-kl"))).max() > 4


def test_things_that_are_no_pipeline_are_refused():
    with pytest.raises(TypeError, match="int"):
        make_stream(5).prepare("")


def test_loras_are_given_as_files_folders_or_tensors(tmp_path):
    safetensors = pytest.importorskip("safetensors.numpy")
    folder = tmp_path / "lora"
    folder.mkdir()
    shutil.copy(LORA, folder / "some.safetensors")
    images = []
    for source, choice in ((LORA, {}), (str(folder), {}), (folder.parent, {"subfolder": "lora", "weight_name": "some.safetensors"})):
        stream = make_stream(TINY)
        stream.load_lora(source, **choice)
        stream.fuse_lora(lora_scale=0.7)
        images.append(redraw(stream))
    torch = pytest.importorskip("torch")
    stream = make_stream(TINY)
    stream.load_lora({name: torch.from_numpy(values) for name, values in safetensors.load_file(LORA).items()})
    stream.fuse_lora(lora_scale=0.7)
    images.append(redraw(stream))
    for image in images[1:]:
        np.testing.assert_array_equal(image, images[0])
    assert np.abs(images[0] - redraw(make_stream(TINY))).max() > 4


def test_a_folder_with_several_loras_asks_for_a_name(tmp_path):
    for name in ("a.safetensors", "b.safetensors"):
        shutil.copy(LORA, tmp_path / name)
    with pytest.raises(ValueError, match="2 .safetensors"):
        make_stream(TINY).load_lora(tmp_path)


def test_each_lora_keeps_the_scale_it_was_fused_with():
    stream = make_stream(TINY)
    stream.load_lora(LORA, "first")
    stream.fuse_lora(lora_scale=0.5)
    stream.load_lora(TINY / "lora-processor.safetensors", "second")
    stream.fuse_lora(lora_scale=0.25)
    assert stream._loader.scales() == {"first": 0.5, "second": 0.25}
    with pytest.raises(ValueError, match="fuse_unet"):
        stream.fuse_lora(fuse_unet=False)


def test_a_lora_that_is_loaded_late_changes_the_running_stream():
    stream = make_stream(TINY)
    plain = redraw(stream)
    stream.load_lora(LORA)
    for _ in range(2):
        image = stream._redraw(PHOTO, "uint8")[0].astype(np.float32)
    assert np.abs(image - plain).max() > 4


@pytest.mark.parametrize("names", [{}, {"lcm_lora_id": "latent-consistency/lcm-lora-sdv1-5", "vae_id": "madebyollin/taesd"}])
def test_a_consistency_model_needs_no_lcm_lora_and_keeps_its_tiny_autoencoder(names):
    wrapper = StreamDiffusionWrapper(str(TINY), [32, 45], width=96, height=64, device="cpu", **names)
    assert wrapper.stream._loader.scales() == {}
    assert wrapper.stream._loader.vae is None


def test_other_models_ask_for_lcm_lora_and_tiny_autoencoder(tmp_path, monkeypatch):
    folder = tmp_path / "model"
    shutil.copytree(MODELS / "tiny-kl", folder)
    scheduler = folder / "scheduler/scheduler_config.json"
    scheduler.write_text(json.dumps({**json.loads(scheduler.read_text()), "_class_name": "PNDMScheduler"}))
    asked = []
    monkeypatch.setattr(StreamDiffusion, "load_lcm_lora", lambda self, source: asked.append(source))
    monkeypatch.setattr("streamdiffusion_cpp.compat.wrapper.TINY_VAE", str(TINY / "vae"))
    wrapper = StreamDiffusionWrapper(str(folder), [32, 45], width=96, height=64, device="cpu")
    assert asked == ["latent-consistency/lcm-lora-sdv1-5"]
    assert wrapper.stream.vae == str(TINY / "vae")


def test_temporary_files_are_removed():
    files = _weights.TemporaryFiles()
    folder = files.path("x").parent
    assert Path(folder).is_dir()
    files.remove()
    assert not Path(folder).exists()
