"""Tests that Doxygen makes the API reference without a warning, and that it warns of a comment that is missing or wrong."""

import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

PROJECT = Path(os.environ["STREAMDIFFUSION_PROJECT"])
DOXYGEN = shutil.which("doxygen")


class Reference(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="streamdiffusion-test-")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def make(self, headers):
        """Runs Doxygen with the project's settings on a folder of headers."""
        settings = (PROJECT / "docs/Doxyfile").read_text(encoding="utf-8")
        settings += f"\nINPUT = {headers}\nSTRIP_FROM_PATH = {headers}\nSTRIP_FROM_INC_PATH = {headers}\nOUTPUT_DIRECTORY = {self.folder}\n"
        return subprocess.run([DOXYGEN, "-"], input=settings, capture_output=True, text=True, cwd=self.folder)

    def test_is_made_without_warning(self):
        result = self.make(PROJECT / "include")
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        text = "".join(page.read_text(encoding="utf-8") for page in (self.folder / "html").glob("*.html"))
        for name in ["streamdiffusion::Stream", "step_streams", "run_pipeline", "sd_stream_step"]:
            self.assertIn(name, text)

    def test_missing_and_wrong_comments_are_found(self):
        for header in ["/// A point.\nstruct Point {\n  int x = 0;\n};\n", "/// Returns x.\n/// @param y No such parameter.\nint f(int x);\n"]:
            with self.subTest(header=header):
                headers = self.folder / "headers"
                headers.mkdir(exist_ok=True)
                (headers / "header.h").write_text("/** @file\n * A header. */\n" + header)
                result = self.make(headers)
                self.assertNotEqual(result.returncode, 0)
                self.assertIn("header.h", result.stderr)


if __name__ == "__main__":
    if DOXYGEN is None:
        print("skipped: there is no doxygen (scripts/install-dependencies checks)")
        sys.exit(77)
    unittest.main()
