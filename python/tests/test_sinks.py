"""Tests that frames are written as videos and images, with the sound of their source."""

import copy
import subprocess

import numpy as np
import pytest
import streamdiffusion_cpp as sd

SIZE = (64, 48)


def gray_image(level):
    return np.full((SIZE[1], SIZE[0], 3), level, np.uint8)


def probe(file, entries, stream="v"):
    """Returns values of ffprobe, one a line."""
    command = ["ffprobe", "-v", "error", "-select_streams", stream, "-show_entries", entries, "-of", "csv=p=0", str(file)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()


@pytest.fixture
def sounding(tmp_path):
    """A video of 2 seconds at 12.5 frames per second with sound."""
    file = tmp_path / "sounding.mp4"
    subprocess.run(
        ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc=size=64x48:rate=25/2:duration=2", "-f", "lavfi", "-i", "sine=duration=2",
         "-pix_fmt", "yuv420p", str(file)],
        check=True,
    )  # fmt: skip
    return file


def test_images_become_an_even_video(tmp_path):
    file = tmp_path / "out.mp4"
    with sd.Sink(file, size=SIZE, frame_rate=10, metadata={"title": "levels"}) as sink:
        for level in range(0, 200, 20):
            sink.write(gray_image(level))
    frames = list(sd.video(file))
    assert [frame.time for frame in frames] == pytest.approx([index / 10 for index in range(10)])
    assert [int(frame.image.mean()) for frame in frames] == pytest.approx(range(0, 200, 20), abs=4)
    assert probe(file, "format_tags=title") == ["levels"]


def test_a_redrawn_video_keeps_times_and_sound(tmp_path, sounding, model):
    file = tmp_path / "out.mp4"
    with sd.Stream(model, width=64, height=48, steps=2) as stream, sd.video(sounding, size=stream.size) as source:
        with sd.Sink(file, size=stream.size, source=source) as sink:
            for frame in source:
                result = stream.step(frame)
                if result is not None:
                    sink.write(result)
            for result in stream.drain():
                sink.write(result)
    before, after = list(sd.video(sounding)), list(sd.video(file))
    assert [frame.time for frame in after] == pytest.approx([frame.time for frame in before], abs=0.002)
    assert probe(file, "packet=data_hash", "a") == probe(sounding, "packet=data_hash", "a")
    assert sd.video(file).info.has_audio


def test_the_sound_ends_with_the_frames_of_a_source_that_is_left_early(tmp_path, sounding):
    file = tmp_path / "out.mp4"
    with sd.video(sounding) as source, sd.Sink(file, size=SIZE, source=source) as sink:
        for frame in source:
            sink.write(frame)
            if frame.number == 5:
                break
    duration = float(probe(file, "stream=duration", "a")[0])
    assert duration == pytest.approx(6 / 12.5, abs=0.1)


def test_sound_of_another_file_and_none(tmp_path, sounding):
    loud, silent = tmp_path / "loud.mp4", tmp_path / "silent.mp4"
    for file, audio in ((loud, sounding), (silent, None)):
        with sd.Sink(file, size=SIZE, frame_rate=12.5, audio_from=audio) as sink:
            for level in range(25):
                sink.write(gray_image(level))
    assert sd.video(loud).info.has_audio
    assert not sd.video(silent).info.has_audio


def test_images_go_into_a_folder(tmp_path):
    with sd.Sink(str(tmp_path / "out") + "/", size=SIZE) as sink:
        for level in (3, 4, 5):
            sink.write(sd.Frame(gray_image(level)))
    assert [int(sd.read_image(file).mean()) for file in sorted((tmp_path / "out").iterdir())] == [3, 4, 5]


def test_an_exception_leaves_the_file_as_it_was(tmp_path):
    file = tmp_path / "out.mp4"
    file.write_bytes(b"old")
    with pytest.raises(KeyError), sd.Sink(file, size=SIZE) as sink:
        sink.write(gray_image(1))
        raise KeyError("mine")
    assert file.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["out.mp4"]


def test_wrong_calls_are_named(tmp_path, sounding):
    file = tmp_path / "out.mp4"
    wrong = {
        "quality is 101": {"quality": 101},
        "frame rate": {"frame_rate": 0},
        "side of an image is 0": {"size": (0, 8)},
    }
    for message, options in wrong.items():
        with pytest.raises(sd.ArgumentError, match=message):
            sd.Sink(file, **{"size": SIZE, **options})
    with pytest.raises(TypeError, match="source is .*, must be a Source"):
        sd.Sink(file, size=SIZE, source=str(sounding))
    for output, options in (("missing/out.mp4", {}), ("out.xyz", {}), ("out.mp4", {"codec": "nonsense"})):
        with pytest.raises(sd.MediaError):
            sd.Sink(tmp_path / output, size=SIZE, **options)
    sink = sd.Sink(file, size=SIZE)
    for image in (np.zeros((8, 8, 3), np.uint8), None, sd.Frame(gray_image(1), time="late")):
        with pytest.raises(sd.ArgumentError):
            sink.write(image)
    with pytest.raises(TypeError, match="cannot be copied"):
        copy.copy(sink)
    with pytest.raises(sd.MediaError, match="no frame"):
        sink.finish()
    sink.close()
    sink.close()
    for call in (lambda: sink.write(gray_image(1)), sink.finish):
        with pytest.raises(sd.ArgumentError, match="closed"):
            call()
    assert not file.exists()


def test_problems_of_the_sound_are_warnings(tmp_path):
    with pytest.warns(sd.ModelWarning), sd.Sink(tmp_path / "out.mp4", size=SIZE, audio_from="-") as sink:
        sink.write(gray_image(1))
    messages = []
    with sd.Sink(tmp_path / "out.mp4", size=SIZE, audio_from="-", on_warning=messages.append) as sink:
        sink.write(gray_image(1))
    assert messages
