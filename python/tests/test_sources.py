"""Tests that images and videos are read as frames."""

import contextlib
import itertools
import socket
import subprocess
import time

import numpy as np
import pytest
import streamdiffusion_cpp as sd


@pytest.fixture
def demo(project):
    return project / "examples" / "demo.mp4"


def test_a_video_is_iterated(demo):
    frames = []
    with sd.video(demo) as source:
        info = source.info
        for frame in source:
            frames.append((frame.number, frame.time))
            assert frame.image.shape == (info.height, info.width, 3)
            assert frame.image.flags.owndata
            if len(frames) == 5:
                break
    assert [number for number, _ in frames] == [0, 1, 2, 3, 4]
    assert frames[1][1] > frames[0][1]
    assert next(source, None) is None


def test_frames_are_fitted_into_a_size(demo, model):
    with sd.Stream(model, width=64, height=64, steps=1) as stream, sd.video(demo, size=stream.size) as source:
        result = stream.step(next(source))
    assert isinstance(result, sd.Frame)
    assert np.asarray(result).shape == (64, 64, 3)
    assert "64x64" in repr(result)
    assert result._repr_png_().startswith(b"\x89PNG")


def test_all_frames_come_once(tmp_path):
    for index in range(7):
        sd.write_image(tmp_path / f"{index}.png", np.full((8, 8, 3), index, np.uint8))
    with sd.Source(str(tmp_path)) as source:
        assert [int(frame.image[0, 0, 0]) for frame in source] == list(range(7))


@pytest.mark.parametrize("open_it", [lambda: sd.video("/nowhere.mp4"), lambda: sd.camera(977), lambda: sd.Source("")])
def test_missing_inputs_raise_errors(open_it):
    with pytest.raises(sd.Error):
        open_it()


@pytest.mark.parametrize("options", [{"size": (0, 8)}, {"size": (-8, 8)}, {"fit": "bend"}, {"size": (1 << 30, 8)}])
def test_wrong_options_are_refused(demo, options):
    with pytest.raises(sd.ArgumentError):
        sd.video(demo, **options)


def test_images_are_written_and_read(tmp_path):
    image = np.random.default_rng(1).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    file = tmp_path / "image.png"
    sd.write_image(file, image, text={"prompt": "red apple"})
    assert np.array_equal(sd.read_image(file), image)
    sd.write_image(file, image.astype(np.float32) / 255)
    assert np.array_equal(sd.read_image(file), image)
    for wrong in (np.full((5, 7, 3), np.nan, np.float32), np.zeros((5, 7), np.uint8), np.broadcast_to(np.uint8(0), (1 << 40, 1, 3)), "image", None):
        with pytest.raises(sd.ArgumentError):
            sd.write_image(file, wrong)
    with pytest.raises(sd.MediaError, match="there is no folder") as caught:
        sd.write_image(tmp_path / "missing" / "image.png", image)
    assert str(caught.value).count("cannot write") == 1
    with pytest.raises(sd.MediaError):
        sd.read_image(tmp_path / "missing.png")


@pytest.mark.parametrize("format", ["png", "jpeg", "webp"])
def test_images_are_encoded_and_decoded_in_memory(image, format):
    data = sd.encode_image(image, format)
    decoded = sd.decode_image(data)
    assert decoded.shape == image.shape
    assert format != "png" or np.array_equal(decoded, image)
    assert np.array_equal(sd.decode_image(np.repeat(np.frombuffer(data, np.uint8), 2)[::2]), decoded)
    with pytest.raises(sd.Error):
        sd.decode_image(data, most_pixels=100)
    for wrong in (b"", data[:20], image, None, "text", 7):
        with pytest.raises(sd.Error):
            sd.decode_image(wrong)


def test_images_are_fitted(image):
    assert sd.fit_image(image, (32, 16)).shape == (16, 32, 3)
    assert np.array_equal(sd.fit_image(image, (64, 64)), image)
    with pytest.raises(sd.ArgumentError):
        sd.fit_image(image, (0, 16))


def test_warnings_of_a_source_reach_python(tmp_path, demo):
    cut = tmp_path / "cut.mp4"
    sd.write_image(tmp_path / "still.png", np.zeros((8, 8, 3), np.uint8))
    cut.write_bytes(demo.read_bytes()[: demo.stat().st_size // 2])
    messages = []
    try:
        for _ in sd.video(cut, on_warning=messages.append):
            pass
    except sd.MediaError as error:
        messages.append(str(error))
    assert messages


@contextlib.contextmanager
def broadcast():
    """Sends a test image of 64x48 at 25 frames per second over the network, and gives its address."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        address = f"udp://127.0.0.1:{free.getsockname()[1]}"
    sender = subprocess.Popen(
        ["ffmpeg", "-v", "quiet", "-re", "-f", "lavfi", "-i", "testsrc=size=64x48:rate=25", "-g", "5", "-f", "mpegts", address],
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield address
    finally:
        sender.kill()
        sender.wait()


def test_of_a_live_source_the_newest_frame_comes():
    with broadcast() as address, sd.Source(address, size=(32, 32)) as source:
        first = next(source)
        wanted = first.number + 20
        while True:  # a program that is busy for as long as 20 frames take, as often as a slow machine needs
            time.sleep(0.8)
            frame = next(source)
            assert frame.number > first.number + 1
            if frame.number >= wanted:
                break
        assert frame.image.shape == (32, 32, 3)
        assert frame.time > first.time
        source.close()
        assert list(itertools.islice(source, 3)) == []


def test_a_camera_is_opened_by_its_number(monkeypatch):
    from streamdiffusion_cpp import _media

    opened = []
    reader = _media.SourceReader

    def open_broadcast(input, *arguments):
        opened.append((input, *arguments))
        return reader(address, *arguments)

    with broadcast() as address:
        monkeypatch.setattr(_media, "SourceReader", open_broadcast)
        numbers = []
        for frame in sd.camera(3, size=(32, 16), capture_size=(640, 480), frame_rate=30, options={"fflags": "nobuffer"}, on_warning=print):
            assert frame.image.shape == (16, 32, 3)
            numbers.append(frame.number)
            if len(numbers) == 3:
                break
    assert numbers == sorted(set(numbers))
    assert opened == [("/dev/video3", "", 32, 16, "crop", 640, 480, 30.0, {"fflags": "nobuffer"}, False)]
