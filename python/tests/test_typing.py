"""Tests that the types are right: for type checkers, and against the library's table of settings."""

import ast
import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
import streamdiffusion_cpp as sd
from streamdiffusion_cpp import _native

PROGRAM = """
import numpy as np
import streamdiffusion_cpp as sd

model = sd.Model.load(device="cpu", loras=[sd.Lora("pencil.safetensors", 0.5)])
stream = sd.Stream(model, sd.Parameters(prompt="red apple"), width=256, height=256, cfg_type="self", t_index_list=[0, 16])
stream.update(prompt="boat", seed=3, loras={"pencil": 1.0})
frame: sd.Frame | None = stream.step(sd.Frame(np.zeros((256, 256, 3), np.uint8)))
for finished in stream.drain():
    print(finished.number, finished.time)
size: tuple[int, int] = stream.size
for image in sd.video("demo.mp4", size=size):
    stream.step(image)
"""
WRONG_LINES = [
    "stream.update(prompt=3)",
    'stream.update(cfg_type="most")',
    "stream.update(colour=1)",
    "sd.Parameters(steps='two')",
    "sd.Model.load(threads='two')",
    'stream.step(image, output="jpeg")',
    "stream.width = 3",
]


def mypy(*arguments):
    pytest.importorskip("mypy")
    return subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-incremental", "--hide-error-context", *arguments],
        capture_output=True, text=True, check=False, cwd=Path(sd.__file__).parents[1],
    )


def test_the_package_and_a_program_are_typed(tmp_path):
    """One run of mypy checks the package, a right program, and that each wrong line of another is found."""
    right, wrong = tmp_path / "right.py", tmp_path / "wrong.py"
    right.write_text(PROGRAM)
    wrong.write_text(PROGRAM + "\n".join(WRONG_LINES))
    result = mypy("-p", "streamdiffusion_cpp")
    assert result.returncode == 0, result.stdout
    result = mypy(str(right), str(wrong))
    first_wrong_line = PROGRAM.count("\n") + 1
    expected = {f"wrong.py:{first_wrong_line + index}" for index in range(len(WRONG_LINES))}
    found = {":".join(Path(line).name.split(":")[:2]) for line in result.stdout.splitlines() if ": error:" in line}
    assert found == expected, result.stdout


def names_of_stub(file):
    """Returns the functions, classes and methods ("Stream.step") that a stub declares."""
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            yield node.name
        if isinstance(node, ast.ClassDef):
            yield from (f"{node.name}.{method.name}" for method in node.body if isinstance(method, ast.FunctionDef))


def names_of_module(module):
    for name, value in vars(module).items():
        if not name.startswith("_"):
            yield name
            if isinstance(value, type):
                yield from (f"{name}.{method}" for method in vars(value) if not method.startswith("_") or method == "__init__")


@pytest.mark.parametrize("name", ["_native", "_media", "_hub"])
def test_the_stubs_name_what_the_modules_have(name):
    stub = Path(sd.__file__).parent / f"{name}.pyi"
    declared = set(names_of_stub(stub))
    module = importlib.import_module(f"streamdiffusion_cpp.{name}")
    assert declared
    assert declared - {"Model.__init__"} == set(names_of_module(module)) - {"Model.__init__"}


def test_the_types_of_settings_are_those_of_the_table(project):
    """tools/make_python_settings.py writes the file anew."""
    sys.path.insert(0, str(project / "tools"))
    try:
        import make_python_settings
    finally:
        sys.path.pop(0)
    assert make_python_settings.FILE.read_text(encoding="utf-8") == make_python_settings.text(json.loads(_native.settings_schema()))


def test_every_setting_of_the_table_is_a_parameter():
    schema = json.loads(_native.settings_schema())
    parameters = sd.Parameters()
    assert len(schema) > 15
    for name, entry in schema.items():
        assert getattr(parameters, name) == entry["default"]
