"""The forms of images that go in and come out."""

from __future__ import annotations

import numpy as np
import pytest
import streamdiffusion_cpp as sd
from PIL import Image

from streamdiffusion_cpp.compat import image_utils
from streamdiffusion_cpp.compat._images import ImageProcessor, frames_of, planes_of

RAMP = np.arange(8 * 16 * 3, dtype=np.uint8).reshape(8, 16, 3)


def assert_ramp(frames, tolerance=1e-6):
    (frame,) = frames
    levels = frame if frame.dtype == np.uint8 else frame * 255
    np.testing.assert_allclose(levels, RAMP, atol=tolerance * 255)


def test_all_forms_of_one_image_are_the_same_frame():
    planes = np.moveaxis(RAMP, -1, 0)
    for image in (Image.fromarray(RAMP), RAMP, RAMP[None], RAMP / 255, (RAMP / 127.5 - 1).astype(np.float32), [RAMP]):
        assert_ramp(frames_of(image, 8, 16))
    torch = pytest.importorskip("torch")
    for tensor in (planes, planes[None], planes / 255, planes / 127.5 - 1):
        assert_ramp(frames_of(torch.tensor(tensor), 8, 16))
    assert_ramp(frames_of(torch.tensor(planes / 127.5 - 1).half(), 8, 16), tolerance=1e-3)


def test_a_batch_is_as_many_frames():
    assert len(frames_of(np.stack([RAMP, RAMP]), 8, 16)) == 2
    assert len(frames_of([Image.fromarray(RAMP)] * 3, 8, 16)) == 3


def test_images_of_another_size_are_brought_into_the_streams():
    (frame,) = frames_of(RAMP, 4, 8)
    np.testing.assert_array_equal(frame, RAMP[::2, ::2])
    (frame,) = frames_of(Image.fromarray(RAMP), 16, 16)
    assert frame.shape == (16, 16, 3)


@pytest.mark.parametrize("shape", [(8, 16), (8, 16, 4), (1, 2, 8, 16, 3), (0, 16, 3)])
def test_arrays_of_another_shape_are_refused(shape):
    with pytest.raises(sd.ArgumentError, match=r"shape \["):
        frames_of(np.zeros(shape, np.float32), 8, 16)


@pytest.mark.parametrize("dtype", [np.int64, np.int8, bool, np.complex64, object])
def test_arrays_of_another_type_are_refused(dtype):
    with pytest.raises(sd.ArgumentError, match="values of the type"):
        frames_of(RAMP.astype(dtype), 8, 16)
    torch = pytest.importorskip("torch")
    with pytest.raises(sd.ArgumentError, match="values of the type int64"):
        frames_of(torch.zeros((3, 8, 16), dtype=torch.int64), 8, 16)


def test_planes_are_frames_from_minus_one_to_one():
    planes = planes_of([RAMP, (RAMP / 255).astype(np.float32)])
    assert planes.shape == (2, 3, 8, 16)
    np.testing.assert_allclose(planes[0], np.moveaxis(RAMP, -1, 0) / 127.5 - 1, atol=1e-6)
    np.testing.assert_allclose(planes[0], planes[1], atol=1e-6)


def test_the_image_processor_rounds_sides_down_to_a_multiple_of_8():
    assert np.asarray(ImageProcessor().preprocess(Image.fromarray(RAMP), 23, 17)).shape == (1, 3, 16, 16)
    assert np.asarray(ImageProcessor().preprocess(Image.fromarray(RAMP))).shape == (1, 3, 8, 16)


def test_postprocessing_gives_each_of_the_forms():
    planes = planes_of([RAMP])
    assert image_utils.postprocess_image(planes, "latent") is planes
    np.testing.assert_allclose(image_utils.postprocess_image(planes, "np")[0], RAMP / 255, atol=1e-6)
    np.testing.assert_allclose(image_utils.postprocess_image(planes, "pt")[0], np.moveaxis(RAMP, -1, 0) / 255, atol=1e-6)
    (image,) = image_utils.postprocess_image(planes)
    np.testing.assert_array_equal(np.asarray(image), RAMP)
    (image,) = image_utils.postprocess_image(planes / 2 + 0.5, do_denormalize=[False])
    np.testing.assert_array_equal(np.asarray(image), RAMP)


def test_postprocessing_clamps():
    np.testing.assert_array_equal(image_utils.postprocess_image(np.full((1, 3, 2, 2), 1.5, np.float32), "np"), 1)


def test_postprocessing_takes_and_returns_tensors():
    torch = pytest.importorskip("torch")
    planes = torch.from_numpy(planes_of([RAMP]))
    assert torch.equal(image_utils.postprocess_image(planes, "pt"), torch.from_numpy(image_utils.postprocess_image(planes.numpy(), "pt")))
    (image,) = image_utils.postprocess_image(planes.half())
    assert np.abs(np.asarray(image, int) - RAMP).max() <= 1


def test_postprocessing_refuses_other_things():
    with pytest.raises(ValueError, match="list"):
        image_utils.postprocess_image([1, 2])
    with pytest.raises(ValueError, match="jpeg"):
        image_utils.postprocess_image(planes_of([RAMP]), "jpeg")


def test_a_pil_image_becomes_a_tensor():
    torch = pytest.importorskip("torch")
    tensor = image_utils.pil2tensor(Image.fromarray(RAMP))
    assert tensor.dtype == torch.float16
    np.testing.assert_allclose(tensor.float().numpy(), planes_of([RAMP]), atol=1e-3)
    tensor, image = image_utils.process_image(Image.fromarray(RAMP[..., 0]), (0, 1))
    assert (tuple(tensor.shape), tensor.dtype, image.size) == ((1, 1, 8, 16), torch.float32, (16, 8))
