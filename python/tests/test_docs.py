"""Runs the Python code of the documentation, page by page, from top to bottom."""

import itertools
import re

import numpy as np
import pytest
import streamdiffusion_cpp as sd

BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def write_beginning(video, output):
    """Writes the first frames of a video to another."""
    with sd.video(video) as source, sd.Sink(output, size=(source.info.width, source.info.height), source=source) as sink:
        for frame in itertools.islice(source, 8):
            sink.write(frame)


@pytest.mark.parametrize("page", ["README.md", "docs/python.md"])
def test_the_code_of_a_page_runs(project, page, tmp_path, monkeypatch):
    text = (project / page).read_text(encoding="utf-8")
    blocks = BLOCK.findall(text)
    assert blocks
    monkeypatch.chdir(tmp_path)
    (tmp_path / "examples").mkdir()
    video = tmp_path / "examples" / "demo.mp4"
    write_beginning(project / "examples" / "demo.mp4", video)
    (tmp_path / "in.mp4").symlink_to(video)
    sd.write_image("drawing.png", np.full((200, 300, 3), 200, np.uint8))
    monkeypatch.setattr(sd, "camera", lambda number, **options: sd.video(video, **options))
    names = {}
    for block in blocks:
        exec(compile(block, page, "exec"), names)  # noqa: S102
