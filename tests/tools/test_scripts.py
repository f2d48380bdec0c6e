"""Tests that the scripts' help does nothing, and that they refuse unknown options and unsupported systems."""

import os
import subprocess
import tempfile
import unittest
from pathlib import Path

SCRIPTS = Path(os.environ["STREAMDIFFUSION_PROJECT"]) / "scripts"
NAMES = sorted(script.name for script in SCRIPTS.iterdir() if os.access(script, os.X_OK))
# Programs that would change the machine or take long.
FORBIDDEN = ["apt-get", "sudo", "cmake", "ninja", "cpack", "ctest", "pip", "debootstrap", "unshare", "ldd", "cp"]

SYSTEMS = {
    'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"': True,
    'ID=debian\nVERSION_ID="13"': True,
    "ID=debian\nVERSION_CODENAME=forky": True,
    'ID=debian\nVERSION_ID="11"\nPRETTY_NAME="Debian GNU/Linux 11 (bullseye)"': False,
    'ID=ubuntu\nVERSION_ID="24.04"': True,
    'ID=ubuntu\nVERSION_ID="25.10"': True,
    'ID=ubuntu\nVERSION_ID="22.04"\nPRETTY_NAME="Ubuntu 22.04.4 LTS"': False,
    'ID=linuxmint\nVERSION_ID="22"\nUBUNTU_CODENAME=noble': True,
    'ID=linuxmint\nVERSION_ID="21"\nUBUNTU_CODENAME=jammy\nPRETTY_NAME="Linux Mint 21"': False,
    'ID=fedora\nVERSION_ID=40\nPRETTY_NAME="Fedora Linux 40"': False,
    "": False,
}


class Scripts(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="streamdiffusion-test-")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        for name in FORBIDDEN:
            stub = self.folder / name
            stub.write_text(f"#!/bin/sh\necho {name} >>{self.folder}/called\nexit 99\n")
            stub.chmod(0o755)

    def run_script(self, name, *arguments, **environment):
        environment = {**os.environ, "PATH": f"{self.folder}:{os.environ['PATH']}", **environment}
        return subprocess.run([SCRIPTS / name, *arguments], capture_output=True, text=True, stdin=subprocess.DEVNULL,
                              cwd=self.folder, env=environment, timeout=30)  # fmt: skip

    def assert_nothing_was_done(self):
        self.assertFalse((self.folder / "called").exists())

    def on_system(self, description):
        file = self.folder / "os-release"
        file.write_text(description + "\n")
        return {"STREAMDIFFUSION_OS_RELEASE": str(file), "STREAMDIFFUSION_ANY_SYSTEM": ""}

    def test_help_prints_the_usage_and_does_nothing(self):
        self.assertIn("quickstart", NAMES)
        for name in NAMES:
            for option in ["--help", "-h"]:
                with self.subTest(name, option=option):
                    result = self.run_script(name, option)
                    self.assertEqual((result.returncode, result.stderr), (0, ""))
                    self.assertIn(f"Usage: scripts/{name}", result.stdout)
                    self.assert_nothing_was_done()

    def test_help_counts_after_other_options(self):
        for arguments in [["quickstart", "--no-serve", "red apple"], ["test", "-R", "stream"], ["test-fresh-machine", "--quick"]]:
            with self.subTest(arguments):
                self.assertIn("Usage: ", self.run_script(*arguments, "--help").stdout)
                self.assert_nothing_was_done()

    def test_unknown_options_are_refused_with_a_message(self):
        for name in NAMES:
            with self.subTest(name):
                result = self.run_script(name, "--frobnicate")
                self.assertEqual((result.returncode, result.stdout), (2, ""))
                self.assertIn("'--frobnicate'", result.stderr)
                self.assertIn("--help", result.stderr)
                self.assert_nothing_was_done()

    def test_arguments_that_make_no_sense_are_refused(self):
        for arguments in [
            ["quickstart", "red", "apple"],
            ["test", "stream"],
            ["test", "-R"],
            ["test", "--sanitize"],
            ["test", "--sanitize", "--fuzz"],
            ["install-dependencies", "everything"],
            ["bundle-cuda-tests"],
            ["package", "deb"],
            ["test-fresh-machine", "--only", "everything"],
            ["test-fresh-machine", "../trixie"],
        ]:
            with self.subTest(arguments):
                result = self.run_script(*arguments)
                self.assertEqual((result.returncode, result.stdout), (2, ""))
                self.assertEqual(len(result.stderr.splitlines()), 1)
                self.assert_nothing_was_done()

    def test_systems_that_are_too_old_or_unknown_get_one_message(self):
        for description, supported in SYSTEMS.items():
            with self.subTest(description):
                check = '. "$1/common.sh"; check_system'
                result = subprocess.run(["bash", "-euc", check, "scripts/quickstart", SCRIPTS], capture_output=True, text=True,
                                        env={**os.environ, **self.on_system(description)})  # fmt: skip
                self.assertEqual(result.returncode, 0 if supported else 1, result.stderr)
                self.assertEqual("--any-system" in result.stderr, not supported)
                name = description.partition("PRETTY_NAME=")[2].strip('"')
                self.assertIn(name, result.stderr if not supported else name)

    def test_nothing_begins_on_a_system_that_is_too_old(self):
        system = self.on_system('ID=ubuntu\nVERSION_ID="22.04"\nPRETTY_NAME="Ubuntu 22.04.4 LTS"')
        for name in ["quickstart", "test", "package"]:
            with self.subTest(name):
                result = self.run_script(name, **system)
                self.assertEqual((result.returncode, result.stdout), (1, ""))
                self.assertIn("this is Ubuntu 22.04.4 LTS", result.stderr)
                self.assert_nothing_was_done()

    def test_names_of_packages_are_listed_without_installing(self):
        result = self.run_script("install-dependencies", "--list", "library")
        self.assertEqual(result.returncode, 0)
        self.assertIn("libavcodec-dev", result.stdout.splitlines())
        self.assertNotIn("libgtest-dev", result.stdout.splitlines())
        self.assert_nothing_was_done()


class Progress(unittest.TestCase):
    """Tests the progress that show_build prints for Ninja's output without a terminal."""

    def show(self, lines):
        with tempfile.NamedTemporaryFile() as log:
            result = subprocess.run(["bash", "-euc", '. "$1/common.sh"; log=$2; show_build', "test", SCRIPTS, log.name],
                                    input="".join(line + "\n" for line in lines), capture_output=True, text=True)  # fmt: skip
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertEqual(Path(log.name).read_text().splitlines(), lines)
        return result.stdout.splitlines()

    def test_a_line_for_every_tenth_with_the_time_left(self):
        shown = self.show([f"[{i}/200 {i * 2}.5] Building" for i in range(1, 201)])
        self.assertEqual(len(shown), 10)
        self.assertEqual(shown[0].strip(), "10%, about 6 min left")
        self.assertEqual(shown[8].strip(), "90%, about 40 s left")

    def test_nothing_for_a_build_that_has_nothing_to_do(self):
        self.assertEqual(self.show(["ninja: no work to do."]), [])


if __name__ == "__main__":
    unittest.main()
