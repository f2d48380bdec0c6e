"""Runs the Python code of the documentation, page by page, from top to bottom."""

import itertools
import re

import numpy as np
import pytest
import streamdiffusion_cpp as sd

BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", ["README.md", "docs/python.md"])
def test_the_code_of_a_page_runs(project, page, tmp_path, monkeypatch):
    text = (project / page).read_text(encoding="utf-8")
    blocks = BLOCK.findall(text)
    assert blocks
    monkeypatch.chdir(tmp_path)
    video = tmp_path / "in.mp4"
    video.symlink_to(project / "examples" / "demo.mp4")
    (tmp_path / "examples").symlink_to(project / "examples")
    sd.write_image("drawing.png", np.full((200, 300, 3), 200, np.uint8))
    read = sd.video
    monkeypatch.setattr(sd, "video", lambda *arguments, **options: itertools.islice(read(*arguments, **options), 8))
    monkeypatch.setattr(sd, "camera", lambda number, **options: sd.video(video, **options))
    names = {}
    for block in blocks:
        exec(compile(block, page, "exec"), names)  # noqa: S102
