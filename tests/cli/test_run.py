import contextlib
import os
import signal
import subprocess
import threading
import time
import unittest

from program import DEMO, FLUSHED, PATIENCE, ProgramTest

SMALL = ["--prompt", "red apple", "--width", "64", "--height", "64"]


class Run(ProgramTest):
    def test_as_many_frames_come_out_as_went_in_at_the_same_rate_with_the_sound(self):
        self.make_video("in.mkv", frames=13, rate=10, audio=True)
        self.succeed("run", "in.mkv", "out.mp4", *SMALL)
        out = self.probe("out.mp4")
        self.assertEqual(out["video"]["nb_read_frames"], "13")
        self.assertEqual(out["video"]["avg_frame_rate"], "10/1")
        self.assertAlmostEqual(float(out["audio"]["duration"]), 1.3, delta=0.1)

    def test_sound_can_be_left_out(self):
        self.make_video("in.mkv", frames=3, audio=True)
        self.succeed("run", "in.mkv", "out.mp4", *SMALL, "--no-audio")
        self.assertNotIn("audio", self.probe("out.mp4"))
        self.succeed("run", "in.mkv", "out.mp4", *SMALL, "--config", self.make_config({"no-audio": True}))
        self.assertNotIn("audio", self.probe("out.mp4"))

    def test_a_video_that_is_cut_short_is_redrawn_up_to_there_unless_strict(self):
        self.make_video("in.mkv", frames=20)
        whole = (self.folder / "in.mkv").read_bytes()
        (self.folder / "in.mkv").write_bytes(whole[: len(whole) * 2 // 3])
        self.fail_with(1, ["in.mkv", "cut short"], "run", "in.mkv", "out.mp4", *SMALL, "--strict")
        result = self.succeed("run", "in.mkv", "out.mp4", *SMALL)
        self.assertIn(b"warning: the video in.mkv is cut short", result.stderr)
        self.assertGreater(int(self.probe("out.mp4")["video"]["nb_read_frames"]), 8)

    def test_redraws_the_bundled_video(self):
        result = self.succeed("run", DEMO, "out.mp4", "--prompt", "penguin on a light blue background")
        frames = self.probe(str(DEMO))["video"]["nb_read_frames"]
        self.assertEqual(self.probe("out.mp4")["video"]["nb_read_frames"], frames)
        self.assertIn(f"out.mp4: {frames} frames, 256x256".encode(), result.stderr)
        self.assertEqual(result.stdout, b"")

    def test_every_way_of_batching_keeps_the_frames(self):
        self.make_video("in.mkv", frames=7)
        for options in [["--steps", "1"], ["--steps", "3"], ["--steps", "3", "--frame-buffer", "2"],
                        ["--frame-buffer", "9"], ["--no-denoising-batch"], ["--similarity-threshold", "0"],
                        ["--cross-frame-attention", "--cfg-type", "initialize", "--guidance-scale", "1.4"]]:  # fmt: skip
            with self.subTest(options):
                self.succeed("run", "in.mkv", "out.mkv", *SMALL, *options)
                self.assertEqual(self.probe("out.mkv")["video"]["nb_read_frames"], "7")

    def test_folders_of_images_in_and_out(self):
        (self.folder / "frames").mkdir()
        for i in range(3):
            self.make_image(f"frames/{i}.png")
        self.succeed("run", "frames", "out/", *SMALL)
        self.assertEqual(len(list((self.folder / "out").iterdir())), 3)

    def test_raw_video_through_pipes(self):
        frame = bytes(range(256)) * 48  # 64x64 RGB
        result = self.succeed("run", "-", "-", *SMALL, "--input-format", "rawvideo", "--input-size", "64x64",
                              "--input-rate", "12", "--output-format", "yuv4mpegpipe", stdin=frame * 5)  # fmt: skip
        self.assertTrue(result.stdout.startswith(b"YUV4MPEG2 W64 H64 F12:1"))
        self.assertEqual(result.stdout.count(b"FRAME\n"), 5)

    def test_standard_output_is_matroska_unless_said(self):
        self.make_video("in.mkv", frames=3)
        result = self.succeed("run", "in.mkv", "-", *SMALL)
        self.assertEqual(result.stdout[:4], b"\x1a\x45\xdf\xa3")

    def test_live_drops_and_reuses_but_keeps_the_pace(self):
        self.make_video("in.mkv", frames=20, rate=20)
        begin = time.monotonic()
        self.succeed("run", "in.mkv", "out.mkv", *SMALL, "--live")
        took = time.monotonic() - begin
        self.assertGreater(took, 0.9)
        duration = float(self.probe("out.mkv")["format"]["duration"])
        self.assertTrue(0 < duration < took + 0.1, (duration, took))  # On a busy machine the first frames may be dropped.

    def test_a_stop_signal_finishes_the_file(self):
        for stop in [signal.SIGINT, signal.SIGTERM]:
            with self.subTest(stop):
                # The pipe never ends, so the program is still running when the signal comes.
                program = self.start("run", "-", "out.mkv", *SMALL, "--input-format", "rawvideo", "--input-size", "64x64",
                                     "--live", *FLUSHED, stdin=subprocess.PIPE)  # fmt: skip

                def feed():
                    with contextlib.suppress(BrokenPipeError):
                        while program.poll() is None:
                            program.stdin.write(bytes(64 * 64 * 3))
                            program.stdin.flush()
                            time.sleep(0.04)

                feeder = threading.Thread(target=feed, daemon=True)
                feeder.start()
                self.wait_until_running(program, writes=8)
                program.send_signal(stop)
                program.wait(timeout=PATIENCE)
                feeder.join()
                said = program.communicate(timeout=60)[1].decode()
                self.assertEqual(program.returncode, 128 + stop, said)
                self.assertIn("complete", said)
                self.assertGreater(int(self.probe("out.mkv")["video"]["nb_read_frames"]), 5)

    def test_a_reader_that_goes_away_is_an_error_and_no_crash(self):
        program = self.start("run", DEMO, "-", *SMALL, "--output-format", "rawvideo")
        program.stdout.read(1000)
        program.stdout.close()
        said = program.stderr.read().decode()
        program.stderr.close()
        self.assertEqual(program.wait(timeout=60), 1, said)
        self.assertIn("streamdiffusion: error: ", said)

    def test_bad_inputs_leave_no_output(self):
        self.make_video("in.mkv", frames=30)
        whole = (self.folder / "in.mkv").read_bytes()
        (self.folder / "cut.mkv").write_bytes(whole[: len(whole) // 2])
        (self.folder / "text.mkv").write_text("hello")
        (self.folder / "folder").mkdir()
        for name in ["nofile.mkv", "text.mkv", "folder"]:
            with self.subTest(name):
                self.fail_with(1, name, "run", name, "out.mp4", *SMALL)
        self.fail_with(1, "cut.mkv", "run", "cut.mkv", "out.mp4", "--strict", *SMALL)

    def test_an_input_is_not_overwritten(self):
        self.make_video("in.mkv", frames=3)
        before = (self.folder / "in.mkv").read_bytes()
        (self.folder / "link.mkv").symlink_to("in.mkv")
        for output in ["in.mkv", "./in.mkv", "link.mkv"]:
            with self.subTest(output):
                self.fail_with(2, "OUTPUT is INPUT", "run", "in.mkv", output, *SMALL)
        self.assertEqual((self.folder / "in.mkv").read_bytes(), before)

    def test_outputs_that_cannot_be_written_are_refused(self):
        self.make_video("in.mkv", frames=3)
        self.fail_with(1, "nofolder", "run", "in.mkv", "nofolder/out.mp4", *SMALL)
        self.fail_with(1, "out.xyz", "run", "in.mkv", "out.xyz", *SMALL)
        self.fail_with(1, "nope", "run", "in.mkv", "out.mp4", *SMALL, "--codec", "nope")
        self.fail_with(1, "nope", "run", "in.mkv", "-", *SMALL, "--output-format", "nope")
        if os.path.exists("/dev/full"):
            self.fail_with(1, "/dev/full", "run", "in.mkv", "/dev/full", *SMALL, "--output-format", "matroska")


if __name__ == "__main__":
    unittest.main()
