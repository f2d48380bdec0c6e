"""Tests that tools/run_original_examples changes import lines alone, and says what is wrong with its arguments."""

import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

TOOL = Path(os.environ["STREAMDIFFUSION_PROJECT"]) / "tools/run_original_examples"
sys.path.insert(0, str(TOOL))
import checkout

PROGRAM = """import torch
from streamdiffusion.image_utils import postprocess_image
from streamdiffusion import StreamDiffusion
    # from utils.wrapper import in a comment
from utils.viewer import receive_images
from utils.wrapper import StreamDiffusionWrapper
stream = StreamDiffusionWrapper("utils.wrapper")
"""


class Imports(unittest.TestCase):
    def test_only_import_lines_of_the_original_change(self):
        changed = checkout.with_changed_imports(PROGRAM).splitlines()
        before = PROGRAM.splitlines()
        self.assertEqual([line for line, old in zip(changed, before) if line != old], [
            "from streamdiffusion_cpp.compat.image_utils import postprocess_image",
            "from streamdiffusion_cpp.compat import StreamDiffusion",
            "from streamdiffusion_cpp.compat import StreamDiffusionWrapper",
        ])  # fmt: skip

    def test_the_checkout_itself_stays_as_it_is(self):
        with tempfile.TemporaryDirectory() as folder:
            original, copy = Path(folder) / "original", Path(folder) / "copy"
            for name in checkout.FOLDERS:
                (original / name).mkdir(parents=True)
            (original / "utils/wrapper.py").write_text("pass\n")
            (original / "examples/one.py").write_text(PROGRAM)
            checkout.copy_programs(original, copy)
            self.assertEqual(len(checkout.change_imports(copy)), 3)
            self.assertEqual((original / "examples/one.py").read_text(), PROGRAM)
            self.assertFalse((copy / "utils/wrapper.py").exists())


class Arguments(unittest.TestCase):
    def run_tool(self, *arguments):
        return subprocess.run([sys.executable, "-B", TOOL, *arguments], capture_output=True, text=True, timeout=30)

    def assert_refused(self, message, *arguments):
        result = self.run_tool(*arguments)
        self.assertEqual((result.returncode, result.stdout), (2, ""))
        self.assertIn(message, result.stderr)
        self.assertIn("--help", result.stderr)

    def test_help_is_printed(self):
        for option in ("--help", "-h"):
            result = self.run_tool(option)
            self.assertEqual((result.returncode, result.stderr), (0, ""))
            self.assertIn("CHECKOUT", result.stdout)

    def test_unknown_options_are_refused_with_a_message(self):
        self.assert_refused("unknown option '--frobnicate'", "--frobnicate")

    def test_a_checkout_is_asked_for(self):
        self.assert_refused("CHECKOUT is missing")


if __name__ == "__main__":
    unittest.main()
