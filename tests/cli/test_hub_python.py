"""Tests that the cache is shared with Python."""

import os
import pathlib
import subprocess
import unittest

from hub_server import Repository, from_folder
from hub_test import MODELS, HubTest, files_of


def python_with(*modules):
    """Returns a Python that has the modules, or None."""
    for python in [os.environ.get("STREAMDIFFUSION_PYTHON", ""), "python3"]:
        test = "import " + ", ".join(modules)
        if python and subprocess.run([python, "-c", test], capture_output=True).returncode == 0:
            return python
    return None


class WithPython(HubTest):
    """Tests that the cache is shared with Python. STREAMDIFFUSION_PYTHON names a Python with huggingface_hub and diffusers."""

    def python(self, modules, code, *arguments, **environment):
        python = python_with(*modules)
        if python is None:
            self.skipTest("no Python with " + " and ".join(modules) + " here (STREAMDIFFUSION_PYTHON names one)")
        result = subprocess.run([python, "-c", code, *map(str, arguments)], capture_output=True, text=True,
                                env={**os.environ, **self.environment, **environment})  # fmt: skip
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout.strip().splitlines()[-1]

    def test_huggingface_hub_finds_what_was_downloaded(self):
        self.serve({"someone/tiny": from_folder(MODELS / "tiny-sd15")})
        snapshot = self.pull("someone/tiny")
        code = ("import sys, huggingface_hub as h\n"
                "assert h.hf_hub_download('someone/tiny', 'unet/config.json', local_files_only=True)\n"
                "assert not list(h.scan_cache_dir().warnings), h.scan_cache_dir().warnings\n"
                "print(h.snapshot_download('someone/tiny', local_files_only=True))")  # fmt: skip
        self.assertEqual(self.python(["huggingface_hub"], code, HF_HUB_OFFLINE="1"), str(snapshot))

    def test_python_downloads_nothing_twice(self):
        files = {path: file for path, file in files_of("tiny-sd15").items() if "lora" not in path}
        hub = self.serve({"someone/tiny": Repository(files)})
        snapshot = self.pull("someone/tiny")
        hub.requests.clear()
        code = "import huggingface_hub as h; print(h.snapshot_download('someone/tiny'))"
        self.assertEqual(self.python(["huggingface_hub"], code), str(snapshot))
        self.assertEqual([path for path in hub.paths() if "/resolve/" in path], [])

    def test_what_python_has_downloaded_is_used_as_it_is(self):
        hub = self.serve({"someone/tiny": from_folder(MODELS / "tiny-sd15")})
        code = "import huggingface_hub as h; print(h.snapshot_download('someone/tiny'))"
        snapshot = self.python(["huggingface_hub"], code, HF_HUB_DISABLE_XET="1")
        hub.requests.clear()
        self.assertEqual(self.pull("someone/tiny"), pathlib.Path(snapshot))
        self.assertEqual([path for path in hub.paths() if "/resolve/" in path], [])
        self.draw("a.png", "--model", "someone/tiny", environment={"HF_HUB_OFFLINE": "1"})

    def test_diffusers_loads_it_without_a_network(self):
        self.serve({"someone/kl": from_folder(MODELS / "tiny-kl")})
        self.pull("someone/kl")
        code = ("from diffusers import DiffusionPipeline\n"
                "pipe = DiffusionPipeline.from_pretrained('someone/kl', safety_checker=None)\n"
                "print(type(pipe.unet).__name__)")  # fmt: skip
        self.assertEqual(self.python(["diffusers", "transformers"], code, HF_HUB_OFFLINE="1"), "UNet2DConditionModel")


if __name__ == "__main__":
    unittest.main()
