"""Tests that rough drawings of a thing are reproducible, flat, inside the image, visible, and true to their masks."""

import os
import random
import sys
import unittest

try:
    import numpy as np
    from PIL import Image, ImageDraw
except ImportError:
    print("numpy or Pillow is missing: install python3-numpy and python3-pil")
    sys.exit(77)

sys.path.insert(0, os.path.join(os.environ["STREAMDIFFUSION_PROJECT"], "tools/train"))
import drawings
import scenes

SIZE = 96
SEEDS = range(12)


def flag():
    """Returns a thing whose left half, at a pole, differs from its right half: a red and a blue part on transparency."""
    picture = Image.new("RGBA", (120, 120))
    draw = ImageDraw.Draw(picture)
    draw.rectangle((20, 10, 59, 109), (220, 40, 40, 255))
    draw.rectangle((60, 10, 109, 69), (40, 60, 220, 255))
    return picture


def bounds(mask):
    """Returns left, top, right and bottom of a mask's true pixels."""
    ys, xs = np.nonzero(mask)
    return xs.min(), ys.min(), xs.max() + 1, ys.max() + 1


class Placed(unittest.TestCase):
    def opaque(self, *placement):
        layer = drawings.placed(flag(), drawings.Placement(*placement), SIZE)
        return np.asarray(layer)[..., 3] >= 128

    def test_the_longest_side_is_the_extent_and_the_corners_are_reached(self):
        for x, y, left, top in ((0, 0, 0, 0), (1, 0, 53, 0), (0, 1, 0, 48), (1, 1, 53, 48)):
            with self.subTest((x, y)):
                self.assertEqual(bounds(self.opaque(x, y, 0.5, 0, False)), (left, top, left + 43, top + 48))

    def test_nothing_is_cut_off_at_the_largest_extent(self):
        for turn in (-25, 0, 25):
            with self.subTest(turn):
                left, top, right, bottom = bounds(self.opaque(0.5, 0.5, 1, turn, False))
                self.assertAlmostEqual(max(right - left, bottom - top), SIZE, delta=1)

    def test_a_mirrored_thing_has_its_halves_exchanged(self):
        plain, mirrored = (
            np.asarray(drawings.placed(flag(), drawings.Placement(0.5, 0.5, 0.9, 0, mirrored), SIZE)).astype(int)
            for mirrored in (False, True)
        )
        self.assertLessEqual(np.abs(plain - mirrored[:, ::-1]).max(), 1)
        self.assertGreater(plain[30, 30, 0], 200)
        self.assertGreater(plain[30, 65, 2], 200)

    def test_turns_are_counter_clockwise(self):
        bar = Image.new("RGBA", (100, 20), (0, 0, 0, 255))
        layer = drawings.placed(bar, drawings.Placement(0.5, 0.5, 0.9, 20, False), SIZE)
        ys, xs = np.nonzero(np.asarray(layer)[..., 3] >= 128)
        self.assertLess(ys[xs > SIZE * 0.8].mean() + SIZE / 10, ys[xs < SIZE * 0.2].mean())


    def test_points_that_coincide_in_two_pictures_coincide_in_their_layers(self):
        dot = Image.new("RGBA", (120, 120))
        ImageDraw.Draw(dot).rectangle((50, 20, 60, 30), (20, 160, 40, 255))
        whole = flag()
        whole.paste(dot, (0, 0), dot)
        placement = drawings.Placement(0.3, 0.6, 0.8, 15, True)
        of_dot, of_whole = (np.asarray(layer).astype(int) for layer in drawings.placed_alike((dot, whole), placement, SIZE))
        is_dot = of_dot[..., 3] == 255
        self.assertGreater(is_dot.sum(), 15)
        self.assertLess(np.abs(of_whole[is_dot] - of_dot[is_dot]).mean(), 4)


class Drawing(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.drawn = [drawings.drawing(flag(), SIZE, seed) for seed in SEEDS]

    def test_the_same_seed_gives_the_same_drawing_whatever_was_drawn_before(self):
        random.seed(5)
        again = drawings.drawing(flag(), SIZE, SEEDS[-1])
        for name in ("picture", "mask", "background", "original"):
            self.assertTrue(np.array_equal(getattr(again, name), getattr(self.drawn[-1], name)), name)

    def test_other_seeds_give_other_drawings(self):
        self.assertEqual(len({drawing.picture.tobytes() for drawing in self.drawn}), len(SEEDS))

    def test_the_picture_is_the_background_beyond_the_mask_and_its_smooth_edge(self):
        for seed, drawing in zip(SEEDS, self.drawn):
            with self.subTest(seed):
                same = (np.asarray(drawing.picture) == np.asarray(drawing.background)).all(2)
                far = ~near(drawing.mask, 3)
                self.assertTrue(same[far].all())

    def test_shapes_are_flat_in_at_most_five_colours_with_hard_edges(self):
        for seed in SEEDS:
            with self.subTest(seed):
                pixels = np.asarray(drawings.rough(flag(), random.Random(seed)))
                self.assertEqual(set(np.unique(pixels[..., 3])), {0, 255})
                self.assertIn(len(np.unique(pixels[pixels[..., 3] == 255], axis=0)), range(2, 6))

    def test_most_of_the_thing_stands_out_from_the_background(self):
        for seed, drawing in zip(SEEDS, self.drawn):
            with self.subTest(seed):
                difference = np.abs(np.asarray(drawing.picture).astype(int) - np.asarray(drawing.background)).max(2)
                self.assertLessEqual((difference[drawing.mask] <= drawings.ALIKE).mean(), drawings.HIDDEN_AT_MOST)

    def test_sizes_and_places_vary_and_the_original_stands_at_the_same_place(self):
        sizes, centres = [], []
        for seed, drawing in zip(SEEDS, self.drawn):
            with self.subTest(seed):
                shown = np.abs(np.asarray(drawing.original).astype(int) - np.asarray(drawing.background)).max(2) > 60
                mine, true = (np.array(bounds(mask)) for mask in (drawing.mask, shown))
                self.assertLess(np.abs(mine - true).max(), SIZE / 4)
                sizes.append(max(mine[2] - mine[0], mine[3] - mine[1]) / SIZE)
                centres.append((mine[:2] + mine[2:]) / 2 / SIZE)
        self.assertLess(min(sizes), 0.5)
        self.assertGreater(max(sizes), 0.8)
        self.assertGreater(np.ptp(centres, 0).min(), 0.25)

    def test_proportions_are_wrong_but_not_beyond_recognition(self):
        ratios = []
        for seed in SEEDS:
            left, top, right, bottom = bounds(np.asarray(drawings.rough(flag(), random.Random(seed)))[..., 3] == 255)
            ratios.append((right - left) / (bottom - top) / (90 / 100))
        self.assertGreater(np.std(np.log(ratios)), 0.05)
        self.assertLess(np.abs(np.log(ratios)).max(), 0.5)


class Pair(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.pairs = []
        for seed in SEEDS:
            rng = random.Random(seed)
            cls.pairs.append(drawings.pair(*drawings.rough_and_exact(flag(), rng), SIZE, rng))

    def test_the_exact_picture_has_the_proportions_of_the_drawing(self):
        for seed in SEEDS:
            with self.subTest(seed):
                layers = drawings.rough_and_exact(flag(), random.Random(seed))
                rough, exact = (np.asarray(layer.getchannel("A")) >= 128 for layer in layers)
                self.assertGreater((rough & exact).sum() / (rough | exact).sum(), 0.9)

    def test_the_exact_picture_has_its_own_colours(self):
        exact = drawings.rough_and_exact(flag(), random.Random(3))[1]
        opaque = np.asarray(exact)[np.asarray(exact)[..., 3] == 255].astype(int)
        own = ((220, 40, 40), (40, 60, 220))
        nearest = np.min([np.abs(opaque[:, :3] - colour).max(1) for colour in own], 0)
        self.assertGreater((nearest < 8).mean(), 0.9)

    def test_both_have_the_same_background(self):
        for seed, pair in zip(SEEDS, self.pairs):
            with self.subTest(seed):
                drawn, exact = (np.asarray(picture).astype(int) for picture in (pair.drawn, pair.exact))
                self.assertGreater((np.abs(drawn - exact).max(2) <= 1).mean(), 0.15)
                self.assertFalse(np.array_equal(drawn, exact))

    def test_only_plain_named_backgrounds_have_a_name(self):
        self.assertTrue(any(pair.colour is None for pair in self.pairs))
        for seed, pair in zip(SEEDS, self.pairs):
            if pair.colour:
                with self.subTest(seed):
                    corners = np.asarray(pair.exact)[[0, 0, -1, -1], [0, -1, 0, -1]].astype(int)
                    named = np.median(np.abs(corners - scenes.COLOURS[pair.colour]).max(1))
                    self.assertLessEqual(named, scenes.VARIED_BY)


class ColourName(unittest.TestCase):
    def test_it_is_that_of_the_nearest_colour_within_the_variation(self):
        for shade, name in (((250, 160, 195), "pink"), ((238, 172, 207), "pink"), ((237, 160, 195), None)):
            with self.subTest(shade):
                self.assertEqual(scenes.colour_name(Image.new("RGB", (4, 4), shade)), name)

    def test_two_colours_have_none(self):
        picture = Image.new("RGB", (4, 4), (20, 20, 20))
        picture.putpixel((3, 3), (21, 20, 20))
        self.assertIsNone(scenes.colour_name(picture))


class Video(unittest.TestCase):
    def test_the_thing_moves_by_the_offsets_and_nothing_else_changes(self):
        for seed in SEEDS:
            video = drawings.video(flag(), SIZE, seed, 5)
            first = np.asarray(video.frames[0])
            self.assertEqual((len(video.frames), video.offsets[0]), (5, (0, 0)))
            self.assertEqual(len(set(video.offsets)), 5)
            for frame, (x, y) in zip(video.frames, video.offsets):
                with self.subTest((seed, x, y)):
                    self.assertTrue(np.array_equal(np.roll(first, (y, x), (0, 1)), frame))

    def test_the_thing_keeps_inside(self):
        for seed in SEEDS:
            with self.subTest(seed):
                video = drawings.video(flag(), SIZE, seed, 5)
                left, top, right, bottom = bounds(video.mask)
                for x, y in video.offsets:
                    self.assertGreaterEqual(min(left + x, top + y), 0)
                    self.assertLessEqual(max(right + x, bottom + y), SIZE)


class Background(unittest.TestCase):
    def test_the_share_of_opaque_pixels_that_look_like_the_background_is_hidden(self):
        layer = Image.new("RGBA", (8, 8), (0, 0, 0, 0))
        for x, level in enumerate((0, 50, 95, 255)):
            layer.putpixel((x, 0), (level, level, level, 255))
        self.assertEqual(drawings.hidden_share(Image.new("RGB", (8, 8), (50, 50, 50)), layer), 1 / 4)
        self.assertEqual(drawings.hidden_share(Image.new("RGB", (8, 8), (40, 40, 40)), layer), 2 / 4)

    def test_all_kinds_occur(self):
        rng = random.Random(1)
        counts = [len(np.unique(np.asarray(drawings.background(rng, 32)).reshape(-1, 3), axis=0)) for _ in range(40)]
        self.assertTrue({1, 2} <= set(counts))
        self.assertGreater(max(counts), 8)


def near(mask, pixels):
    """Returns the mask of all pixels at most so many pixels from a true one."""
    padded = np.pad(mask, pixels)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (2 * pixels + 1, 2 * pixels + 1))
    return windows.any((2, 3))


if __name__ == "__main__":
    unittest.main()
