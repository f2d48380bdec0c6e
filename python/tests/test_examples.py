"""Runs the programs of examples/python."""

import importlib
import subprocess
import sys

import numpy as np
import PIL.Image
import pytest
import streamdiffusion_cpp as sd


@pytest.fixture
def examples(project, monkeypatch):
    monkeypatch.syspath_prepend(project / "examples" / "python")
    monkeypatch.setenv("GRADIO_ANALYTICS_ENABLED", "False")
    return project / "examples" / "python"


@pytest.fixture
def drawing():
    return np.full((200, 300, 3), 200, np.uint8)


def test_each_example_is_short(examples):
    files = [file for file in examples.iterdir() if file.suffix in (".py", ".ipynb")]
    assert len(files) == 4
    for file in files:
        assert file.suffix == ".ipynb" or file.read_text(encoding="utf-8").count("\n") < 60


def test_pyav_loop_redraws_a_video(examples, project, tmp_path):
    output = tmp_path / "out.mp4"
    subprocess.run(
        [sys.executable, examples / "pyav_loop.py", project / "examples" / "demo.mp4", output, "--frames", "5"], check=True, timeout=120
    )
    with sd.video(output) as video:
        frames = list(video)
    assert len(frames) == 5
    assert frames[0].image.shape == (256, 256, 3)


def test_endpoint_redraws_an_image_and_refuses_wrong_ones(examples, drawing):
    from fastapi.testclient import TestClient

    client = TestClient(importlib.import_module("endpoint").app)
    answer = client.post("/redraw", params={"prompt": "red apple"}, content=sd.encode_image(drawing), headers={"Content-Type": "image/png"})
    assert answer.status_code == 200
    assert sd.decode_image(answer.content).shape == (256, 256, 3)
    answer = client.post("/redraw", params={"prompt": "red apple"}, content=b"no image", headers={"Content-Type": "image/png"})
    assert answer.status_code == 400
    assert answer.json()["detail"]["code"] == "media"


def test_gradio_demo_redraws_a_drawing(examples, drawing):
    demo = importlib.import_module("gradio_demo").demo
    redrawn = demo.fn(PIL.Image.fromarray(drawing), "red apple", 0.7)
    assert redrawn.shape == (256, 256, 3)
    assert demo.fn(None, "red apple", 0.7).shape == (256, 256, 3)


def test_notebook_runs_and_shows_images(examples):
    import nbclient
    import nbformat

    notebook = nbformat.read(examples / "notebook.ipynb", as_version=4)
    nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(examples)}}).execute()
    images = [output for cell in notebook.cells for output in cell.get("outputs", []) if "image/png" in output.get("data", {})]
    assert len(images) == 3
