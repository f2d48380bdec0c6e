"""Tests of the forms in which images go in: every one gives the result of a dense array."""

import ctypes

import numpy as np
import PIL.Image
import pytest
import streamdiffusion_cpp as sd


class OnlyDlpack:
    """An array that is known by DLPack alone, as those of torch are. It may say that it lies on another device."""

    def __init__(self, array, device_type=None):
        self.array = array
        self.device_type = device_type

    def __dlpack__(self, **options):
        capsule = self.array.__dlpack__()
        if self.device_type is not None:
            pointer_of = ctypes.pythonapi.PyCapsule_GetPointer
            pointer_of.restype, pointer_of.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
            tensor = pointer_of(capsule, b"dltensor")  # begins with the address of the data and the type of the device
            ctypes.c_int32.from_address(tensor + ctypes.sizeof(ctypes.c_void_p)).value = self.device_type
        return capsule

    def __dlpack_device__(self):
        return self.array.__dlpack_device__() if self.device_type is None else (self.device_type, 0)


def forms(image):
    padded = np.zeros((64, 100, 3), np.uint8)
    padded[:, 10:74] = image
    planes = np.ascontiguousarray(image.transpose(2, 0, 1))
    spread = np.zeros((128, 128, 6), np.uint8)
    spread[::2, ::2, ::2] = image
    frozen = image.copy()
    frozen.flags.writeable = False
    alpha = np.dstack([image, np.full((64, 64), 7, np.uint8)])
    yield "padding", padded[:, 10:74]
    yield "planes", planes.transpose(1, 2, 0)
    yield "spread", spread[::2, ::2, ::2]
    yield "upside down", np.ascontiguousarray(image[::-1])[::-1]
    yield "mirrored", np.ascontiguousarray(image[:, ::-1])[:, ::-1]
    yield "channels backwards", np.ascontiguousarray(image[..., ::-1])[..., ::-1]
    yield "read-only", frozen
    yield "alpha", alpha
    yield "memoryview", memoryview(image)
    yield "buffer of bytes", memoryview(image.tobytes()).cast("B", (64, 64, 3))
    yield "DLPack", OnlyDlpack(image)
    yield "DLPack with strides", OnlyDlpack(planes.transpose(1, 2, 0))
    yield "PIL", PIL.Image.fromarray(image)
    yield "PIL with alpha", PIL.Image.fromarray(alpha)
    yield "frame", sd.Frame(image)
    yield "list", [image]


FORMS = [name for name, _ in forms(np.zeros((64, 64, 3), np.uint8))]


@pytest.mark.parametrize("name", FORMS)
def test_every_form_gives_the_same_result(stream, image, name):
    expected = stream.generate_image(image)
    result = stream.step(dict(forms(image))[name])
    if isinstance(result, list):
        result = result[0]
    assert np.array_equal(np.asarray(result), expected)


def test_floats_are_levels_divided_by_255(stream, image):
    floats = image.astype(np.float32) / 255
    expected = stream.generate_image(image).astype(int)
    unaligned = np.frombuffer(b"x" + floats.tobytes(), np.uint8)[1:].view(np.float32).reshape(64, 64, 3)
    for form in (floats, floats[:, ::-1][:, ::-1], unaligned, np.ascontiguousarray(floats.transpose(2, 0, 1)).transpose(1, 2, 0)):
        assert np.abs(stream.generate_image(form).astype(int) - expected).max() <= 1


def test_grey_pil_images_are_converted(stream, image):
    grey = PIL.Image.fromarray(image).convert("L")
    assert np.array_equal(stream.generate_image(grey), stream.generate_image(grey.convert("RGB")))


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((64, 64), np.uint8),
        np.zeros((3, 64, 64), np.uint8),
        np.zeros((64, 65, 3), np.uint8),
        np.zeros((64, 64, 2), np.uint8),
        np.zeros((1, 64, 64, 3), np.uint8),
        np.zeros((64, 64, 3), np.int8),
        np.zeros((64, 64, 3), np.float64),
        np.zeros((64, 64, 3), np.float16),
        np.zeros((64, 64, 3), ">f4"),
        np.zeros((64, 64, 3), object),
        np.zeros((64, 64, 3), [("a", "u1")]),
        np.broadcast_to(np.uint8(0), (1 << 40, 1 << 20, 3)),
        np.full((64, 64, 3), np.nan, np.float32),
        np.full((64, 64, 3), np.inf, np.float32),
        np.zeros((0, 0, 3), np.uint8),
        OnlyDlpack(np.zeros((64, 64, 3), np.uint8), device_type=2),
        OnlyDlpack(np.zeros((64, 64, 3), np.int64)),
        b"",
        b"image",
        "image",
        7,
        None,
        [],
        {},
        [[1, 2], [3, 4]],
        sd.Frame(None),
        object(),
    ],
    ids=lambda value: repr(value)[:40].replace("\n", " "),
)
def test_wrong_images_raise_errors(stream, image, wrong):
    expected = stream.generate_image(image)
    with pytest.raises(sd.Error):
        stream.step(wrong)
    with pytest.raises(sd.Error):
        stream.encode(wrong)
    assert np.array_equal(stream.step(image), expected)


def test_a_broadcast_image_is_read(stream):
    grey = np.broadcast_to(np.uint8(90), (64, 64, 3))
    assert np.array_equal(stream.generate_image(grey), stream.generate_image(np.ascontiguousarray(grey)))


def test_arrays_are_let_go(stream):
    array = bytearray(64 * 64 * 3)
    stream.step(memoryview(array).cast("B", (64, 64, 3)))
    with pytest.raises(sd.Error):
        stream.step(memoryview(array))
    array.append(0)  # which Python refuses while a buffer of it is held
