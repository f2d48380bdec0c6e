"""use_safety_checker: diffusers' checker, with random weights, judges images of the wrapper."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from reference import MODELS

from streamdiffusion_cpp.compat import StreamDiffusionWrapper, _safety_checker

TINY = str(MODELS / "tiny-sd15")
IMAGE = np.random.default_rng(0).integers(0, 256, (64, 96, 3), np.uint8)


def make_wrapper(model=TINY, **arguments):
    return StreamDiffusionWrapper(model, [22, 32], width=96, height=64, device="cpu", use_safety_checker=True, **arguments)


def save_checker(folder, threshold):
    """Writes a checker, which flags images whose cosine similarity to any concept is above the threshold."""
    torch = pytest.importorskip("torch", reason="the checker runs in torch")
    transformers = pytest.importorskip("transformers", reason="the checker needs it")
    module = pytest.importorskip("diffusers.pipelines.stable_diffusion.safety_checker", reason="it is the checker")
    size = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "projection_dim": 8}
    vision = {**size, "image_size": 32, "patch_size": 16}
    checker = module.StableDiffusionSafetyChecker(transformers.CLIPConfig(text_config=size, vision_config=vision, projection_dim=8))
    with torch.no_grad():
        checker.concept_embeds_weights.fill_(threshold)
        checker.special_care_embeds_weights.fill_(2)
    checker.save_pretrained(folder)
    sides = {"height": 32, "width": 32}
    transformers.CLIPImageProcessor(size={"shortest_edge": 32}, crop_size=sides).save_pretrained(folder)


@pytest.mark.parametrize(("output_type", "black"), [("pil", 0), ("np", 0), ("pt", 0), ("latent", -1)])
def test_flagged_images_are_black_and_others_stay(output_type, black, tmp_path, monkeypatch):
    monkeypatch.setattr(_safety_checker, "CHECKER", str(tmp_path))
    monkeypatch.setattr(_safety_checker, "EXTRACTOR", str(tmp_path))
    for threshold, is_flagged in ((-2, True), (2, False)):
        save_checker(tmp_path, threshold)
        wrapper = make_wrapper(output_type=output_type)
        wrapper.prepare("red apple")
        values = np.asarray(wrapper(IMAGE), np.float32)
        assert (values == black).all() == is_flagged


def test_each_image_of_a_buffer_is_judged_by_itself(monkeypatch):
    class Checker:
        def check(self, images):
            return [np.zeros_like(images[0]), *images[1:]]

    monkeypatch.setattr("streamdiffusion_cpp.compat.wrapper.SafetyChecker", Checker)
    wrapper = make_wrapper(frame_buffer_size=2)
    wrapper.prepare("red apple")
    first, second = (np.asarray(image) for image in wrapper([IMAGE, IMAGE]))
    assert not first.any()
    assert second.any()


def test_what_the_checker_lacks_is_named_before_the_model_is_loaded(monkeypatch):
    monkeypatch.setitem(sys.modules, "diffusers.pipelines.stable_diffusion.safety_checker", None)
    with pytest.raises(ImportError, match="use_safety_checker needs torch, diffusers and transformers"):
        make_wrapper("no/such-model")
