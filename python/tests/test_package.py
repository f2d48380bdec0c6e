"""Tests of the package as a whole: what an import loads, and the program that comes with it."""

import subprocess
import sys

import streamdiffusion_cpp as sd


def run(*arguments):
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False, timeout=60)


def test_an_import_loads_neither_numpy_nor_ffmpeg_nor_curl():
    """Each of them takes as long as all the rest of the import."""
    program = (
        "import sys, streamdiffusion_cpp\n"
        "assert 'numpy' not in sys.modules\n"
        "libraries = open('/proc/self/maps').read()\n"
        "assert 'libavcodec' not in libraries and 'libcurl' not in libraries"
    )
    result = run("-c", program)
    assert result.returncode == 0, result.stderr


def test_the_program_comes_with_the_package():
    result = run("-m", "streamdiffusion_cpp", "--version")
    assert result.returncode == 0, result.stderr
    assert sd.__version__ in result.stdout


def test_the_program_finds_the_default_model_and_passes_on_its_status():
    result = run("-m", "streamdiffusion_cpp", "--no-such-option")
    assert result.returncode not in (0, 1)
    assert "--no-such-option" in result.stderr


def test_all_names_exist_and_are_documented():
    for name in sd.__all__:
        assert getattr(sd, name).__doc__ or name.isupper(), name
