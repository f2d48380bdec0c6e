import json
import re
import unittest

from program import PROJECT, ProgramTest

PARTS = ["steps", "guidance", "optimisations", "filter", "queue", "scaling", "start"]
QUICK = ["--model", PROJECT / "tests/conformance/cases/models/tiny-sd15", "--width", "32", "--height", "32",
         "--seconds", "0.01", "--threads", "1"]  # fmt: skip


class Bench(ProgramTest):
    results = None  # The results of one run, which all tests share.

    def measure(self, *arguments):
        result = self.succeed("bench", *arguments, *QUICK, "--json", "--quiet")
        self.assertEqual(result.stderr, b"")
        return json.loads(result.stdout)

    def all_parts(self):
        if Bench.results is None:
            Bench.results = self.measure()
        return Bench.results

    def rows(self, part):
        return self.all_parts()["parts"][part]["rows"]

    def check_time(self, time):
        self.assertGreater(time["low"], 0)
        self.assertLessEqual(time["low"], time["median"])
        self.assertLessEqual(time["median"], time["high"])
        self.assertGreaterEqual(time["runs"], 2)

    def test_says_what_the_figures_hold_for(self):
        about = self.all_parts()["about"]
        self.assertEqual(about["model"], "tiny-sd15")
        self.assertEqual((about["width"], about["height"], about["threads"]), (32, 32, 1))
        self.assertRegex(about["date"], r"^\d{4}-\d\d-\d\d$")
        for key in ["version", "processor", "instruction_set", "device", "precision"]:
            self.assertTrue(about[key], key)

    def test_takes_the_parts_that_are_named(self):
        self.assertEqual(list(self.measure("start", "steps")["parts"]), ["steps", "start"])

    def test_takes_every_part_where_none_is_named(self):
        parts = self.all_parts()["parts"]
        self.assertEqual(list(parts), PARTS)
        for name, part in parts.items():
            self.assertTrue(part["rows"], name)
            for row in part["rows"]:
                if "milliseconds" in row:
                    self.check_time(row["milliseconds"])

    def test_steps_are_the_papers_with_its_figures_beside(self):
        rows = self.rows("steps")
        self.assertEqual([row["steps"] for row in rows], 2 * [1, 2, 4, 10])
        self.assertEqual({row["mode"] for row in rows}, {"image to image", "text to image"})
        self.assertEqual(rows[0]["paper_milliseconds"], 10.65)
        self.assertNotIn("paper_milliseconds", rows[4])
        for row in rows:
            self.assertAlmostEqual(row["frames_per_second"], 1000 / row["milliseconds"]["median"], places=6)

    def test_guidance_has_all_kinds_at_1_to_5_steps(self):
        rows = self.rows("guidance")
        self.assertEqual([row["steps"] for row in rows[::4]], [1, 2, 3, 4, 5])
        self.assertEqual([row["guidance"] for row in rows[:4]], ["none", "self", "initialize", "full"])
        self.assertEqual([row["unet_rows"] for row in rows[16:]], [5, 5, 6, 10])
        self.assertEqual(rows[19]["full_by_this"], 1)

    def test_each_optimisation_is_left_out_by_itself(self):
        part = self.all_parts()["parts"]["optimisations"]
        without = [row["without"] for row in part["rows"]]
        self.assertEqual(without[0], "nothing")
        for name in ["stream batch", "residual guidance", "cached prompt", "cached keys and values", "cached noise",
                     "cached schedule"]:  # fmt: skip
            self.assertIn(name, without)
        self.assertIn("Tiny autoencoder: not switched off", " ".join(part["notes"]))

    def test_the_tiny_autoencoder_is_left_out_where_the_model_has_another(self):
        models = PROJECT / "tests/conformance/cases/models"
        rows = self.measure("optimisations", "--vae", models / "tiny-kl/vae")["parts"]["optimisations"]["rows"]
        self.assertEqual(rows[-1]["without"], "the autoencoder given")

    def test_the_filter_skips_what_stands_still_and_freezes_less_than_a_threshold(self):
        rows = {(row["scene"], row["filter"]): row for row in self.rows("filter")}
        self.assertEqual(len(rows), 9)
        still, moving = "still", "moving"
        self.assertEqual(rows[still, "none"]["skipped"], 0)
        self.assertGreater(rows[still, "stochastic"]["skipped"], rows[moving, "stochastic"]["skipped"])
        self.assertEqual(rows[still, "hard threshold"]["skipped"], rows[still, "hard threshold"]["frames"] - 1)
        self.assertLess(rows[still, "stochastic"]["longest_freeze"], rows[still, "hard threshold"]["longest_freeze"])

    def test_queues_are_compared_with_one_stage_after_the_other(self):
        rows = self.rows("queue")
        self.assertEqual(len(rows), 3)
        self.assertEqual(rows[0]["times"], 1)

    def test_scaling_counts_the_arithmetic(self):
        rows = self.rows("scaling")
        self.assertEqual({row["threads"] for row in rows}, {1})
        by_case = {(row["size"], row["steps"], row["frame_buffer"]): row for row in rows}
        small, large = by_case[256, 1, 1], by_case[512, 1, 1]
        self.assertGreater(large["gflop"], 4 * small["gflop"])  # Attention grows faster than the number of pixels.
        self.assertAlmostEqual(by_case[256, 1, 8]["gflop"], small["gflop"])
        two, four, eight = (by_case[256, steps, 1]["gflop"] for steps in [2, 4, 8])
        self.assertAlmostEqual(four - two, 2 * (two - small["gflop"]))
        self.assertAlmostEqual(eight - four, 4 * (two - small["gflop"]))
        rate = small["gflop"] / (small["milliseconds"]["median"] * 1e-3)
        self.assertAlmostEqual(small["gflop_per_second"], rate, places=6)

    def test_start_is_a_process_of_its_own(self):
        alone, image = self.rows("start")
        for row in [alone, image]:
            self.assertGreater(row["milliseconds"]["median"], 0)
        self.assertGreater(image["peak_megabytes"], alone["peak_megabytes"])

    def test_for_people_it_is_a_table_below_what_it_holds_for(self):
        text = self.succeed("bench", "start", *QUICK).stdout.decode()
        lines = text.splitlines()
        self.assertRegex(lines[0], r"^streamdiffusion \d+\.\d+\.\d+, \d{4}-\d\d-\d\d$")
        self.assertTrue(lines[1].startswith("machine "), text)
        self.assertIn(", threads 1", lines[2])
        self.assertIn("tiny-sd15, precision auto, 32x32", lines[3])
        self.assertTrue(re.search(r"--version.*\d+\.\d \(\d+\.\d to \d+\.\d\)", text), text)

    def test_what_is_wrong_is_said(self):
        self.fail_with(2, ["\"speed\"", "steps, guidance"], "bench", "speed")
        self.fail_with(2, "--seconds", "bench", "--seconds", "-1")
        self.fail_with(1, "nowhere", "bench", "--model", "nowhere")
        self.fail_with(1, "--width", "bench", "steps", "--width", "33")


if __name__ == "__main__":
    unittest.main()
