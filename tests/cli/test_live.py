"""Tests of live streams: a screen by Xvfb, FFmpeg as the peer on the loopback interface, typed lines, a watched file."""

import contextlib
import json
import os
import pty
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
import unittest
from pathlib import Path
from urllib.parse import urlsplit

from program import FLUSHED, PATIENCE, ProgramTest, wait_for

PROMPT = ["--prompt", "red apple"]
# The strength is low, so that the input's colours remain.
LIGHT = [*PROMPT, "--width", "64", "--height", "64", "--steps", "1", "--strength", "0.1"]


def free_port(kind):
    with socket.socket(socket.AF_INET, kind) as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def is_listened_to(port):
    """True if a TCP socket of this machine listens on the port. It makes no connection."""
    listening = "0A"
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    return any(int(line.split()[1].split(":")[1], 16) == port and line.split()[3] == listening for line in lines)


class Live(ProgramTest):
    def run_live(self, *arguments, environment=None, **options):
        """Starts the program and gathers its messages in `said`."""
        flushed = FLUSHED if "out.mkv" in arguments else []
        program = self.start(*arguments, *flushed, env={**os.environ, **(environment or {})}, **options)
        self.follow(program, lambda: program.stderr.read1(4096))
        self.addCleanup(self.kill, program)
        return program

    def follow(self, program, read):
        program.said = ""

        def gather():
            with contextlib.suppress(OSError):  # The program and its terminal may have ended.
                while data := read():
                    program.said += data.decode(errors="replace")

        program.follower = threading.Thread(target=gather, daemon=True)
        program.follower.start()

    def kill(self, process):
        if process.poll() is None:
            process.kill()
        process.wait()
        if hasattr(process, "follower"):
            process.follower.join()
        for stream in [process.stdin, process.stdout, process.stderr]:
            if stream:
                with contextlib.suppress(BrokenPipeError):
                    stream.close()

    def peer(self, *arguments):
        process = subprocess.Popen(
            ["ffmpeg", "-v", "error", "-nostdin", "-y", *map(str, arguments)], cwd=self.folder, stderr=subprocess.DEVNULL
        )
        self.addCleanup(self.kill, process)
        return process

    def sender(self, colour, *target, rate=15):
        """Starts an FFmpeg that sends frames of one colour, with a key frame each second."""
        return self.peer("-re", "-f", "lavfi", "-i", f"color={colour}:size=64x64:rate={rate}", "-c:v", "libx264", "-preset",
                         "ultrafast", "-tune", "zerolatency", "-g", rate, *target)  # fmt: skip

    def wait_until_said(self, program, words):
        try:
            wait_for(lambda: words in program.said or program.poll() is not None, words)
        finally:
            self.assertIn(words, program.said)

    def interrupt(self, program, status=128 + signal.SIGINT):
        program.send_signal(signal.SIGINT)
        self.assertEqual(program.wait(timeout=PATIENCE), status, program.said)
        program.follower.join()

    def wait_until_shown(self, program, is_right):
        """Waits until the last frame that the program has written has such a colour."""

        def is_shown():
            with contextlib.suppress(subprocess.CalledProcessError, TypeError, ZeroDivisionError):
                return is_right(self.mean_colour(self.partial_file(program)))
            return False

        wait_for(lambda: program.poll() is not None or is_shown(), "that colour")
        self.assertIsNone(program.poll(), program.said)

    def write_at_once(self, file, text):
        """Writes a file by renaming, so that no reader sees half of it."""
        hidden = file.with_suffix(".new")
        hidden.write_text(text)
        hidden.replace(file)

    def mean_colour(self, name, frame=-1):
        size = 64 * 64 * 3
        pixels = self.pixels(name)
        count = len(pixels) // size
        image = pixels[(frame % count) * size :][:size]
        return [sum(image[i::3]) / (64 * 64) for i in range(3)]


class Screen(Live):
    def setUp(self):
        super().setUp()
        if not shutil.which("Xvfb"):
            self.skipTest("there is no Xvfb")
        read, write = os.pipe()
        # Without -noreset the server restarts when its last client leaves, and refuses connections meanwhile.
        self.server = subprocess.Popen(["Xvfb", "-displayfd", str(write), "-screen", "0", "320x240x24", "-nolisten", "tcp",
                                   "-noreset"], pass_fds=[write], stderr=subprocess.DEVNULL)  # fmt: skip
        self.addCleanup(self.kill, self.server)
        os.close(write)
        with os.fdopen(read) as number:
            self.display = {"DISPLAY": ":" + number.readline().strip(), "SDL_VIDEODRIVER": "x11"}
        self.assertNotEqual(self.display["DISPLAY"], ":", "Xvfb did not start")

    def screenshot(self, name="screen.png"):
        self.ffmpeg("-f", "x11grab", "-i", self.display["DISPLAY"], "-frames:v", "1", "-update", "1", name)
        return self.pixels(name)

    def pixel(self, image, x, y):
        at = (y * 320 + x) * 3
        return tuple(image[at : at + 3])

    def test_the_screen_is_listed(self):
        listed = json.loads(self.succeed("devices", "--json", environment=self.display).stdout)
        self.assertEqual([(screen["width"], screen["height"]) for screen in listed["screens"]], [(320, 240)])
        self.assertIn("320x240", self.succeed("devices", environment=self.display).stdout.decode())

    def test_a_window_shows_the_stream_and_the_screen_is_a_source(self):
        # The first program fills the middle of the screen with blue, the second one reads a part of it.
        blue = bytes([30, 60, 220]) * (64 * 64)
        window = self.run_live("run", "-", "window", *LIGHT, "--strength", "0.02", "--input-format", "rawvideo", "--input-size",
                               "64x64", "--live", stdin=subprocess.PIPE, environment=self.display)  # fmt: skip
        window.stdin.write(blue * 2)
        window.stdin.flush()
        is_blue = lambda colour: colour[2] > 150 and colour[0] < 90
        wait_for(lambda: is_blue(self.pixel(self.screenshot(), 100, 120)) or window.poll() is not None, "the window")
        image = self.screenshot()
        # Square frames stay square: 216 of the 240 lines, and as many columns.
        self.assertTrue(is_blue(self.pixel(image, 65, 120)) and is_blue(self.pixel(image, 254, 120)))
        self.assertFalse(is_blue(self.pixel(image, 40, 120)) or is_blue(self.pixel(image, 280, 120)))

        grab = self.run_live("run", "screen:64x64+128+88", "out.mkv", *LIGHT, environment=self.display)
        self.wait_until_running(grab)
        self.interrupt(grab)
        red, green, blue = self.mean_colour("out.mkv", 0)
        self.assertTrue(blue > 150 and red < 90, (red, green, blue))
        self.interrupt(window)

    def test_keys_close_the_window(self):
        key = shutil.which("xdotool")
        if not key:
            self.skipTest("there is no xdotool")
        window = self.run_live("run", "screen", "window", *LIGHT, environment=self.display)
        press = lambda name: subprocess.run([key, "search", "--name", "streamdiffusion", "windowfocus", "key", name],
                                            env={**os.environ, **self.display}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode  # fmt: skip
        wait_for(lambda: press("f") == 0 or window.poll() is not None, "the window")
        wait_for(lambda: press("q") is not None and window.poll() is not None, "the end")
        window.follower.join()
        self.assertEqual(window.returncode, 0, window.said)
        self.assertIn("frames", window.said)

    def test_a_screen_that_is_gone_is_waited_for(self):
        grab = self.run_live("run", "screen:64x64", "out.mkv", *LIGHT, "--patience", "0.3", environment={"DISPLAY": self.display["DISPLAY"]})
        self.wait_until_running(grab)
        self.server.kill()
        self.wait_until_said(grab, "reopening it in 1.0 s")
        self.interrupt(grab)
        self.assertGreater(int(self.probe("out.mkv")["video"]["nb_read_frames"]), 3)


class Network(Live):
    def test_udp_is_read_and_a_sender_that_pauses_is_waited_for(self):
        address = f"udp://127.0.0.1:{free_port(socket.SOCK_DGRAM)}"
        first = self.sender("red", "-f", "mpegts", address)
        program = self.run_live("run", address, "out.mkv", *LIGHT, "--patience", "0.5")
        self.wait_until_running(program)
        self.kill(first)
        self.wait_until_said(program, "reopening it in 0.5 s")
        self.sender("blue", "-f", "mpegts", address)
        self.wait_until_said(program, "is back after")
        self.wait_until_shown(program, lambda colour: colour[2] > 150)
        self.interrupt(program)
        self.assertGreater(self.mean_colour("out.mkv", 0)[0], 150)
        self.assertGreater(self.mean_colour("out.mkv", -1)[2], 150)
        self.assertIn("reused", program.said)

    def test_udp_is_written(self):
        address = f"udp://127.0.0.1:{free_port(socket.SOCK_DGRAM)}"
        receiver = self.peer("-i", address, "-frames:v", "5", "-c:v", "ffv1", "in.mkv")
        program = self.run_live("run", "testsrc=size=64x64:rate=15,realtime", address, *LIGHT, "--input-format", "lavfi")
        self.assertEqual(receiver.wait(timeout=PATIENCE), 0)
        self.assertEqual(self.size_of("in.mkv"), (64, 64))
        self.interrupt(program)

    def test_rtmp_is_read_from_a_server_and_written_to_one(self):
        source = f"rtmp://127.0.0.1:{free_port(socket.SOCK_STREAM)}/live/in"
        target = f"rtmp://127.0.0.1:{free_port(socket.SOCK_STREAM)}/live/out"
        self.sender("blue", "-f", "flv", "-listen", "1", source)
        receiver = self.peer("-f", "flv", "-listen", "1", "-i", target, "-frames:v", "10", "-c:v", "ffv1", "in.mkv")
        # Each FFmpeg takes only one connection, so the test must not connect to see if it listens.
        wait_for(lambda: all(is_listened_to(urlsplit(address).port) for address in (source, target)), "servers")
        program = self.run_live("run", source, target, *LIGHT)
        self.assertEqual(receiver.wait(timeout=PATIENCE), 0, program.said)
        self.assertEqual(int(self.probe("in.mkv")["video"]["nb_read_frames"]), 10)
        self.assertGreater(self.mean_colour("in.mkv")[2], 150)
        # The receiver is gone, which is an error that is reported once.
        self.assertEqual(program.wait(timeout=PATIENCE), 1, program.said)
        program.follower.join()
        self.assertIn(f"error: cannot write to {target}", program.said)

    def test_what_cannot_be_opened_at_the_start_is_an_error(self):
        refused = f"rtmp://127.0.0.1:{free_port(socket.SOCK_STREAM)}/live/x"
        self.make_video("in.mkv", frames=3)
        self.fail_with(1, [refused, "refused"], "run", refused, "out.mkv", *LIGHT)
        self.fail_with(1, [refused, "refused"], "run", "in.mkv", refused, *LIGHT)
        self.fail_with(1, "/dev/video99", "run", "/dev/video99", "out.mkv", *LIGHT)
        self.fail_with(1, "DISPLAY", "run", "screen", "out.mkv", *LIGHT, environment={"DISPLAY": ""})
        self.fail_with(1, "screen:640x480", "run", "screen:big", "out.mkv", *LIGHT, environment={"DISPLAY": ":0"})
        self.fail_with(1, "needs a screen", "run", "in.mkv", "window", *LIGHT,
                       environment={"DISPLAY": "", "WAYLAND_DISPLAY": "", "SDL_VIDEODRIVER": "x11"})  # fmt: skip
        self.fail_with(2, "KEY=VALUE", "run", "in.mkv", "out.mkv", *LIGHT, "--input-option", "fast")
        self.fail_with(1, "nosuch", "run", "in.mkv", "out.mkv", *LIGHT, "--output-option", "nosuch=1")
        self.fail_with(2, "--live", "run", "in.mkv", "out.mkv", *LIGHT, "--watch", "x.json")

    def test_ctrl_c_ends_also_while_the_source_hangs(self):
        address = f"udp://127.0.0.1:{free_port(socket.SOCK_DGRAM)}"
        sender = self.sender("red", "-f", "mpegts", address)
        program = self.run_live("run", address, "out.mkv", *LIGHT, "--patience", "1000")
        self.wait_until_running(program)
        self.kill(sender)
        time.sleep(0.5)
        self.interrupt(program)
        self.assertIn("complete up to there", program.said)
        self.assertGreater(int(self.probe("out.mkv")["video"]["nb_read_frames"]), 3)

    def test_ctrl_c_ends_also_while_a_pipe_hangs(self):
        for live in [["--live"], []]:
            with self.subTest(live):
                program = self.run_live("run", "-", "out.mkv", *LIGHT, *live, "--codec", "ffv1", "--input-format", "rawvideo", "--input-size",
                                        "64x64", stdin=subprocess.PIPE)  # fmt: skip

                def feed():
                    for _ in range(30):
                        program.stdin.write(bytes(64 * 64 * 3))
                        program.stdin.flush()
                        time.sleep(0.1)
                    program.stdin.write(bytes(1000))  # Part of a frame that never comes.
                    program.stdin.flush()

                feeder = threading.Thread(target=feed)
                feeder.start()
                self.wait_until_running(program)
                feeder.join()
                time.sleep(0.3)
                self.interrupt(program)
                self.assertGreater(int(self.probe("out.mkv")["video"]["nb_read_frames"]), 5)
                self.kill(program)


class Settings(Live):
    SOURCE = ["run", "testsrc=size=64x64:rate=15,realtime", "out.mkv", "--input-format", "lavfi"]

    def test_typed_lines_change_the_settings(self):
        program = self.run_live(*self.SOURCE, *LIGHT, stdin=subprocess.PIPE)
        for line, answer in [("cat face", 'prompt "cat face"'), ("/strength 0.6", "strength 0.6"), ("/steps 2", "steps 2"),
                             ("/seed -1", "seed "), ("/cfg-type full", 'cfg_type "full"'), ("/help", "/quit"),
                             ("/steps 0", '"steps" must be'), ("/colour red", "there is no /colour"),
                             ("/show", '"prompt":"cat face"')]:  # fmt: skip
            program.stdin.write(line.encode() + b"\n")
            program.stdin.flush()
            self.wait_until_said(program, answer)
        self.assertIn('"steps":2', program.said)
        program.stdin.write(b"/quit")
        program.stdin.close()
        self.assertEqual(program.wait(timeout=PATIENCE), 0, program.said)
        self.assertGreater(int(self.probe("out.mkv")["video"]["nb_read_frames"]), 3)

    def test_the_end_of_the_lines_is_not_the_streams(self):
        program = self.run_live(*self.SOURCE, *LIGHT)
        self.wait_until_running(program)
        self.interrupt(program)

    def test_a_terminal_shows_what_is_typed_behind_the_status(self):
        master, slave = pty.openpty()
        self.addCleanup(os.close, master)
        program = subprocess.Popen([os.environ["STREAMDIFFUSION"], *self.SOURCE, *LIGHT], cwd=self.folder, stdin=slave, stderr=slave,
                                   stdout=subprocess.DEVNULL, start_new_session=True)  # fmt: skip
        self.addCleanup(self.kill, program)
        os.close(slave)
        self.follow(program, lambda: os.read(master, 4096))
        self.wait_until_said(program, "type a new prompt")
        self.wait_until_said(program, " fps > ")
        os.write(master, b"red cuq\x7fp")
        self.wait_until_said(program, " fps > red cup\x1b[K")
        os.write(master, b"\r")
        self.wait_until_said(program, '\r\x1b[Kprompt "red cup"')
        os.write(master, b"/quit\r")
        self.assertEqual(program.wait(timeout=PATIENCE), 0, program.said)

    def test_a_watched_file_changes_the_settings_and_nonsense_does_not(self):
        watched = self.folder / "look.json"
        watched.write_text('{"prompt": "cat face", "strength": 0.2}')
        program = self.run_live(*self.SOURCE, "--width", "64", "--height", "64", "--steps", "1", "--watch", watched.name)
        self.wait_until_said(program, 'prompt "cat face", strength 0.2')
        self.wait_until_running(program)
        for text, answer in [('{"prompt": "red a', "look.json is no JSON"), ('{"steps": 0}', '"steps" must be'),
                             ('{"colour": "red"}', '"colour" is no setting'), ("[1]", "must be a JSON object"),
                             ('{"strength": 0.01, "steps": 4}', "does not go with strength"),
                             ('{"strength": 0.4}', "strength 0.4")]:  # fmt: skip
            self.write_at_once(watched, text)
            self.wait_until_said(program, answer)
        watched.unlink()
        self.interrupt(program)
        warnings = re.findall("warning: .*", program.said)
        self.assertEqual(len(warnings), 5, program.said)
        self.assertTrue(all("the settings stay as they were" in warning for warning in warnings), warnings)

    def test_new_settings_are_seen_in_the_output(self):
        program = self.run_live("run", "-", "out.mkv", *LIGHT, "--strength", "0.02", "--input-format", "rawvideo", "--input-size", "64x64",
                                "--live", "--watch", "look.json", stdin=subprocess.PIPE)  # fmt: skip
        program.stdin.write(bytes([30, 60, 220]) * (64 * 64))
        program.stdin.flush()
        self.wait_until_running(program)
        self.write_at_once(self.folder / "look.json", '{"prompt": "tulip on a yellow background", "strength": 1}')
        self.wait_until_said(program, "strength 1")
        self.wait_until_shown(program, lambda colour: colour[2] < 120)
        self.interrupt(program)
        first, last = (self.mean_colour("out.mkv", frame)[2] for frame in (0, -1))
        self.assertGreater(first, 180)
        self.assertLess(last, first - 60)


if __name__ == "__main__":
    unittest.main()
