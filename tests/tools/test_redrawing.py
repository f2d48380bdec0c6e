"""Tests the figures of redrawn drawings with models whose faults are known: one that copies, and ones that do worse."""

import os
import sys
import unittest
from types import SimpleNamespace

try:
    import numpy as np
    from PIL import Image, ImageDraw
except ImportError:
    print("numpy or Pillow is missing: install python3-numpy and python3-pil")
    sys.exit(77)

sys.path.insert(0, os.path.join(os.environ["STREAMDIFFUSION_PROJECT"], "tools/train"))
import redrawing

SIZE = 64


def thing(colour):
    picture = Image.new("RGBA", (60, 60))
    ImageDraw.Draw(picture).polygon([(5, 55), (30, 5), (55, 55)], fill=(*colour, 255))
    return picture


THINGS = SimpleNamespace(
    names=["red", "green", "blue", "black"],
    pictures=[thing(colour) for colour in ((220, 30, 30), (30, 160, 60), (30, 60, 220), (10, 10, 10))],
)


class TimestepIndices(unittest.TestCase):
    def test_they_are_the_programs(self):
        # The values of GivesValidIndices in tests/stream/schedule_test.cpp, and two more.
        for strength, steps, indices in (
            (1, 4, (0, 15, 30, 45)),
            (0.36, 2, (32, 45)),
            (0.5, 1, (25,)),
            (1, 1, (0,)),
            (0.06, 3, (47, 48, 49)),
            (0.7, 2, (15, 45)),
            (0.8, 4, (10, 22, 33, 45)),
        ):
            with self.subTest((strength, steps)):
                self.assertEqual(redrawing.t_indices(strength, steps), indices)


class Figures(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.redrawing = redrawing.Redrawing(THINGS, SIZE, drawn=2, filmed=1)

    def figures(self, redraw, recognise=lambda pictures: [0] * len(pictures)):
        return self.redrawing.figures(redraw, recognise)

    def test_a_sample_is_spread_over_the_things(self):
        self.assertEqual((self.redrawing.chosen, self.redrawing.filmed), ([0, 2], [0]))
        self.assertEqual(redrawing.spread(300, 4), [0, 75, 150, 225])

    def test_the_copy_of_a_drawing_has_all_of_its_outline_no_ghosts_and_no_change(self):
        figures = self.figures(lambda names, pictures: pictures)
        self.assertGreater(figures.overlap, 0.95)
        self.assertEqual((figures.ghosts, figures.change), (0, 0))

    def test_the_original_is_as_sharp_as_itself(self):
        drawn = iter([drawing.original for drawing in self.redrawing.drawings])
        figures = self.figures(lambda names, pictures: [next(drawn) for _ in names] if len(names) > 1 else pictures)
        self.assertEqual(figures.sharpness, 1)

    def test_a_model_that_draws_nothing_has_no_outline(self):
        gray = Image.new("RGB", (SIZE, SIZE), (128, 128, 128))
        blank = [drawing.background for drawing in self.redrawing.drawings]
        figures = self.figures(lambda names, pictures: blank if len(names) > 1 else [gray])
        self.assertEqual((figures.overlap, figures.ghosts), (0, 0))

    def test_a_model_that_inverts_has_ghosts_everywhere(self):
        inverted = self.figures(lambda names, pictures: [Image.eval(p, lambda level: (level + 128) % 256) for p in pictures])
        self.assertEqual(inverted.ghosts, 1)

    def test_names_are_right_where_the_drawn_things_are_recognised_in_the_output(self):
        seen = []

        def recognise(pictures):
            seen.extend(pictures)
            return [0, 1]

        inverted = [Image.eval(drawing.picture, lambda level: 255 - level) for drawing in self.redrawing.drawings]
        figures = self.figures(lambda names, pictures: inverted if len(names) > 1 else pictures, recognise)
        self.assertEqual(figures.named, 0.5)
        self.assertEqual(seen, inverted)

    def test_prompts_are_the_names_and_videos_are_redrawn_a_frame_at_a_time(self):
        calls = []

        def redraw(names, pictures):
            calls.append((names, len(pictures)))
            return pictures

        self.figures(redraw)
        self.assertEqual(calls, [(["red", "blue"], 2)] + [(["red"], 1)] * redrawing.FRAMES)

    def test_a_model_that_flickers_changes(self):
        shades = iter([0, 10] * redrawing.FRAMES)

        def flicker(names, pictures):
            if len(names) > 1:
                return pictures
            shade = next(shades)
            return [Image.fromarray((np.asarray(picture) // 2 + shade).astype(np.uint8)) for picture in pictures]

        self.assertAlmostEqual(self.figures(flicker).change, 10)


class Table(unittest.TestCase):
    def test_a_row_for_each_setting(self):
        text = redrawing.table([("strength 0.5, one step", redrawing.Figures(0.956, 0.8512, 0.7, 0.0123, 2.04))])
        self.assertEqual(text.splitlines()[2], "| strength 0.5, one step | 96% | 0.85 | 0.70 | 1.2% | 2.0 |")
        self.assertEqual(len({line.count("|") for line in text.splitlines()}), 1)

    def test_rows_ask_for_every_number_of_steps_at_every_strength(self):
        asked = []
        sample = SimpleNamespace(figures=lambda redraw, recognise: asked.append(redraw))
        described = [what for what, _ in redrawing.rows(sample, lambda indices: indices, None)]
        self.assertEqual((len(described), len(set(asked))), (15, 15))
        self.assertEqual((described[0], asked[0]), ("strength 0.4, one step", (30,)))
        self.assertEqual((described[-1], asked[-1]), ("strength 0.8, four steps", (10, 22, 33, 45)))


if __name__ == "__main__":
    unittest.main()
