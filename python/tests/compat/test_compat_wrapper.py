"""StreamDiffusionWrapper: arguments, modes and forms of results."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import streamdiffusion_cpp as sd
from PIL import Image
from reference import MODELS, assert_same_image, read_case

from streamdiffusion_cpp.compat import StreamDiffusion, StreamDiffusionWrapper

TINY = str(MODELS / "tiny-sd15")
NEEDS_TORCH = "the form is a torch tensor"


def make_wrapper(**arguments):
    defaults = {"t_index_list": [22, 32, 45], "width": 96, "height": 64, "device": "cpu", "acceleration": "none"}
    return StreamDiffusionWrapper(TINY, **{**defaults, **arguments})


def from_text(**arguments):
    return make_wrapper(mode="txt2img", cfg_type="none", **arguments)


def photo(seed=0, size=(96, 64)):
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (*reversed(size), 3), np.uint8))


def levels(image):
    return np.asarray(image, np.float32)


def test_frames_are_the_originals():
    case = read_case("stream-img2img-self")
    wrapper = make_wrapper(seed=case.parameters["seed"])
    wrapper.prepare(case.parameters["prompt"], case.parameters["negative_prompt"], guidance_scale=1.4, delta=0.5)
    for index, frame in enumerate(case.tensors["in.frames"]):
        image = wrapper(Image.fromarray((np.moveaxis(frame, 0, -1) * 255).round().astype(np.uint8)))
        if index >= 2:
            difference = np.abs(levels(image) - case.levels(index))
            assert (difference <= 2).mean() >= 0.999  # the input has lost digits as a PIL image


def test_the_constructor_prepares_an_empty_prompt():
    assert make_wrapper()(photo()).size == (96, 64)


def test_the_mode_chooses_the_method():
    assert from_text()().size == (96, 64)
    assert from_text()(photo()).size == (96, 64)
    assert make_wrapper()(photo()).size == (96, 64)


def test_no_image_is_one_from_text_as_in_the_original():
    assert make_wrapper()(None).size == (96, 64)
    assert len(make_wrapper(frame_buffer_size=2)()) == 2


WRONG_ARGUMENTS = {
    "mode is 'img-to-img', must be 'img2img' or 'txt2img'": {"mode": "img-to-img"},
    "output_type is 'jpeg', must be one of pil": {"output_type": "jpeg"},
    "t_index_list is empty": {"t_index_list": []},
    "cfg_type": {"cfg_type": "most"},
    "width": {"width": 0},
    "t_index_list": {"t_index_list": [60]},
    "frame_buffer_size": {"frame_buffer_size": 0},
    "precision": {"precision": "int4"},
}


@pytest.mark.parametrize("message", WRONG_ARGUMENTS)
def test_wrong_arguments_are_named(message):
    with pytest.raises(sd.ArgumentError, match=message):
        make_wrapper(**WRONG_ARGUMENTS[message])


def test_a_wrong_output_type_is_named_when_it_is_set_later():
    wrapper = make_wrapper()
    wrapper.output_type = "jpeg"
    with pytest.raises(sd.ArgumentError, match="output_type is 'jpeg'"):
        wrapper(photo())


@pytest.mark.parametrize(
    "wrong",
    [np.full((64, 96, 3), 200.0), np.full((64, 96, 3), np.nan), np.zeros((64, 96, 3), int), np.zeros((64, 96, 3), complex), 5, "missing.png"],
    ids=["0 to 255", "not finite", "int64", "complex", "number", "no file"],
)
def test_wrong_images_are_named_and_leave_the_stream_as_it_was(wrong):
    wrapper, other = make_wrapper(), make_wrapper()
    wrapper(photo())
    other(photo())
    with pytest.raises((sd.ArgumentError, FileNotFoundError)):
        wrapper(wrong)
    np.testing.assert_array_equal(levels(wrapper(photo(1))), levels(other(photo(1))))


def test_combinations_that_the_original_refuses_are_refused():
    with pytest.raises(ValueError, match="cfg_type"):
        make_wrapper(mode="txt2img", cfg_type="self")
    with pytest.raises(ValueError, match="frame_buffer_size"):
        from_text(frame_buffer_size=2)
    with pytest.raises(NotImplementedError, match="use_denoising_batch"):
        make_wrapper(use_denoising_batch=False)


def test_the_batch_size_is_that_of_the_original():
    assert make_wrapper().batch_size == 3
    assert make_wrapper(frame_buffer_size=2).batch_size == 6
    assert from_text(use_denoising_batch=False, frame_buffer_size=2).batch_size == 2


def test_results_have_the_form_that_was_asked_for():
    torch = pytest.importorskip("torch", reason=NEEDS_TORCH)
    pil = levels(make_wrapper()(photo()))
    array = make_wrapper(output_type="np")(photo())
    assert (array.dtype, array.shape) == (np.float32, (64, 96, 3))
    np.testing.assert_allclose(array * 255, pil, atol=0.51)
    tensor = make_wrapper(output_type="pt", dtype=torch.float32)(photo())
    assert (tensor.dtype, tuple(tensor.shape)) == (torch.float32, (3, 64, 96))
    np.testing.assert_allclose(tensor.permute(1, 2, 0).numpy(), array, atol=1e-6)
    planes = make_wrapper(output_type="latent", dtype=torch.float32)(photo())
    np.testing.assert_allclose(planes.numpy(), tensor.numpy() * 2 - 1, atol=1e-6)
    assert make_wrapper(output_type="pt")(photo()).dtype == torch.float16


def test_a_frame_buffer_gives_all_of_its_images():
    wrapper = make_wrapper(frame_buffer_size=2)
    images = [photo(seed) for seed in range(6)]
    for first in (0, 2, 4):
        results = wrapper.img2img(np.stack([np.asarray(image) for image in images[first : first + 2]]))
    alone = make_wrapper()
    for result, image in zip(results, images, strict=False):
        wanted = alone(image) if image is images[0] else wanted_next(alone, image)
        assert_same_image(result, levels(wanted))


def wanted_next(wrapper, image):
    wrapper(image)
    wrapper(image)
    return wrapper(image)


def test_another_number_of_images_than_the_frame_buffers_is_refused():
    with pytest.raises(ValueError, match="frame_buffer_size is 2"):
        make_wrapper(frame_buffer_size=2)(photo())


def test_a_prompt_changes_the_image():
    wrapper = make_wrapper()
    first = levels(wrapper(photo(), prompt="a red boat"))
    for _ in range(3):
        second = levels(wrapper(photo(), prompt="snow"))
    assert np.abs(first - second).max() > 4


def test_paths_images_and_preprocessed_tensors_give_the_same_image(tmp_path):
    image = photo(size=(50, 40))
    image.save(tmp_path / "in.png")
    wanted = levels(make_wrapper()(image))
    assert_same_image(make_wrapper()(str(tmp_path / "in.png")), wanted)
    wrapper = make_wrapper()
    tensor = wrapper.preprocess_image(image)
    assert tuple(tensor.shape) == (1, 3, 64, 96)
    assert_same_image(wrapper(image=tensor), wanted)
    assert_same_image(wrapper.postprocess_image(wrapper.stream.prev_image_result), wanted)


def test_the_constructors_seed_stays_after_prepare():
    images = []
    for seed in (2, 3):
        wrapper = make_wrapper(seed=seed)
        wrapper.prepare("a red boat")
        images.append(levels(wrapper(photo())))
    assert np.abs(images[0] - images[1]).max() > 4


def test_a_negative_seed_is_a_random_one():
    assert make_wrapper(seed=-1)._seed != make_wrapper(seed=-1)._seed


def test_the_same_seed_gives_the_same_images_from_text():
    images = []
    for _ in range(2):
        wrapper = from_text(use_denoising_batch=False, frame_buffer_size=2, seed=4)
        wrapper.prepare("a red boat")
        images.append([levels(image) for image in wrapper() + wrapper()])
    np.testing.assert_array_equal(images[0], images[1])
    assert len({image.tobytes() for image in images[0]}) == 4


def test_turbo_models_take_one_step_without_guidance(tmp_path):
    (tmp_path / "sd-turbo").symlink_to(TINY)
    wrapper = StreamDiffusionWrapper(
        str(tmp_path / "sd-turbo"), [0], mode="txt2img", cfg_type="none", width=96, height=64, frame_buffer_size=3, device="cpu"
    )
    wrapper.prepare("a red boat")
    assert len(wrapper()) == 3
    assert np.asarray(wrapper.stream.txt2img_sd_turbo(3)).shape == (3, 3, 64, 96)


def test_loras_change_the_image():
    lora = str(MODELS / "tiny-sd15/lora-kohya.safetensors")
    plain = levels(make_wrapper()(photo()))
    assert np.abs(levels(make_wrapper(lora_dict={lora: 0.0})(photo())) - plain).max() <= 1
    changed = levels(make_wrapper(lora_dict={lora: 1.0})(photo()))
    assert np.abs(changed - plain).max() > 4
    lcm = levels(make_wrapper(lcm_lora_id=lora)(photo()))
    assert_same_image(lcm, changed)


def test_skipped_frames_repeat_the_last_image():
    wrapper = make_wrapper(enable_similar_image_filter=True, similar_image_filter_threshold=0.5)
    for _ in range(8):
        wrapper(photo())
    last = levels(wrapper(photo()))
    np.testing.assert_array_equal(levels(wrapper(photo(1))), last)  # similarity of noise is about 0.75
    wrapper.stream.disable_similar_image_filter()
    for _ in range(3):
        image = levels(wrapper(photo(1)))
    assert np.abs(image - last).max() > 4


def test_images_from_images_need_no_torch():
    program = f"""
import sys
sys.modules["torch"] = None
from PIL import Image
from streamdiffusion_cpp.compat import StreamDiffusionWrapper
wrapper = StreamDiffusionWrapper({TINY!r}, [32, 45], width=96, height=64, device="cpu")
wrapper.prepare("a red boat")
assert wrapper(wrapper.preprocess_image(Image.new("RGB", (20, 20)))).size == (96, 64)
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_torch_is_not_imported_for_pil_images():
    program = f"""
import sys
from PIL import Image
from streamdiffusion_cpp.compat import StreamDiffusionWrapper
wrapper = StreamDiffusionWrapper({TINY!r}, [32, 45], width=96, height=64, device="cpu")
wrapper.prepare("a red boat")
wrapper(Image.new("RGB", (20, 20)))
assert "torch" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_a_stream_without_a_prompt_says_what_to_do():
    with pytest.raises(RuntimeError, match="prepare"):
        StreamDiffusion(TINY, [32], width=96, height=64)(photo())


