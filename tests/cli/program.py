"""Runs the program as its users do. CTest passes the paths in the environment."""

import contextlib
import json
import os
import pathlib
import shutil
import struct
import subprocess
import tempfile
import time
import unittest
import zlib

PROGRAM = os.environ["STREAMDIFFUSION"]
PROJECT = pathlib.Path(os.environ["STREAMDIFFUSION_PROJECT"])
DEMO = PROJECT / "examples" / "demo.mp4"
# Options with which each frame is written at once, so that the file's size shows that the stream runs.
FLUSHED = ["--output-option", "flush_packets=1", "--output-option", "cluster_time_limit=0"]
PATIENCE = 100  # Seconds to wait for what takes one on an idle machine. It only ends tests that would hang.
# Tests use no network and do not see the user's cache.
os.environ |= {"HF_HOME": "/nonexistent", "HF_HUB_OFFLINE": "1"}
for name in ["HF_TOKEN", "HF_ENDPOINT", "HF_HUB_CACHE"]:
    os.environ.pop(name, None)


def wait_for(condition, what):
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"{what} did not come")
        time.sleep(0.05)


class ProgramTest(unittest.TestCase):
    """A test with an empty folder of its own."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="streamdiffusion-test-"))
        self.addCleanup(shutil.rmtree, self.folder)

    def start(self, *arguments, **options):
        options.setdefault("stdin", subprocess.DEVNULL)
        return subprocess.Popen(
            [PROGRAM, *map(str, arguments)], cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options
        )

    def run_program(self, *arguments, stdin=None, environment=None):
        return subprocess.run(
            [PROGRAM, *map(os.fspath, arguments)],
            cwd=self.folder,
            capture_output=True,
            input=stdin if stdin is not None else b"",
            timeout=120,
            env={**os.environ, **(environment or {})},
        )

    def succeed(self, *arguments, **options):
        result = self.run_program(*arguments, **options)
        self.assertEqual(result.returncode, 0, result.stderr.decode(errors="replace"))
        return result

    def fail_with(self, status, words, *arguments, **options):
        """Checks that the program fails with the exit status and one line that contains all words, and leaves no new file."""
        before = sorted(self.folder.rglob("*"))
        result = self.run_program(*arguments, **options)
        said = result.stderr.decode(errors="replace")
        self.assertEqual(result.returncode, status, said)
        self.assertEqual(result.stdout, b"")
        errors = [line for line in said.splitlines() if line.startswith("streamdiffusion: error: ")]
        self.assertEqual(len(errors), 1, said)
        for word in [words] if isinstance(words, str) else words:
            self.assertIn(word, errors[0])
        self.assertEqual(sorted(self.folder.rglob("*")), before)

    def ffmpeg(self, *arguments):
        subprocess.run(
            ["ffmpeg", "-v", "error", "-y", *map(str, arguments)], cwd=self.folder, check=True, stdin=subprocess.DEVNULL
        )

    def make_video(self, name, frames=10, size="64x64", rate=10, audio=False):
        sound = ["-f", "lavfi", "-i", f"sine=440:duration={frames / rate}"] if audio else []
        self.ffmpeg("-f", "lavfi", "-i", f"testsrc=size={size}:rate={rate}:duration={frames / rate}", *sound,
                    "-c:v", "mpeg4", "-q:v", "2", name)  # fmt: skip
        return name

    def make_image(self, name, size="64x64"):
        self.ffmpeg("-f", "lavfi", "-i", f"testsrc=size={size}:duration=0.04", "-frames:v", "1", name)
        return name

    def make_config(self, options, name="options.json"):
        (self.folder / name).write_text(options if isinstance(options, str) else json.dumps(options))
        return name

    def probe(self, name):
        """Returns a video's streams as ffprobe describes them, with counted frames."""
        out = subprocess.run(
            ["ffprobe", "-v", "error", "-count_frames", "-show_streams", "-show_format", "-of", "json", name],
            cwd=self.folder,
            check=True,
            capture_output=True,
        ).stdout
        found = json.loads(out)
        streams = {stream["codec_type"]: stream for stream in found["streams"]}
        streams["format"] = found["format"]
        return streams

    def partial_file(self, program):
        """Returns the temporary file of a running program's output."""
        hidden = f".{pathlib.Path(program.args[3]).stem}.partial-"
        return next((file for file in self.folder.iterdir() if file.name.startswith(hidden)), None)

    def wait_until_running(self, program, writes=4):
        """Waits until the program has written some frames to its file."""
        sizes = set()

        def grows():
            if file := self.partial_file(program):
                with contextlib.suppress(FileNotFoundError):
                    sizes.add(file.stat().st_size)
            return len(sizes) > writes

        wait_for(lambda: program.poll() is not None or grows(), "output")
        self.assertIsNone(program.poll(), getattr(program, "said", ""))

    def pixels(self, name):
        """Returns the pixels of an image or video as raw RGB."""
        return subprocess.run(
            ["ffmpeg", "-v", "error", "-i", name, "-f", "rawvideo", "-pix_fmt", "rgb24", "-"],
            cwd=self.folder,
            check=True,
            capture_output=True,
            stdin=subprocess.DEVNULL,
        ).stdout

    def size_of(self, name):
        video = self.probe(name)["video"]
        return video["width"], video["height"]


def png_texts(data):
    """Returns the text chunks of a PNG file."""
    texts, at = {}, 8
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        body = data[at + 8 : at + 8 + length]
        if kind == b"tEXt":
            key, _, value = body.partition(b"\0")
            texts[key.decode("latin-1")] = value.decode("latin-1")
        elif kind == b"zTXt":
            key, _, rest = body.partition(b"\0")
            texts[key.decode("latin-1")] = zlib.decompress(rest[1:]).decode("latin-1")
        elif kind == b"iTXt":
            key, _, rest = body.partition(b"\0")
            packed = rest[0]
            _, _, rest = rest[2:].partition(b"\0")
            _, _, value = rest.partition(b"\0")
            texts[key.decode("latin-1")] = (zlib.decompress(value) if packed else value).decode()
        at += 12 + length
    return texts
