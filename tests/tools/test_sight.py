"""Tests that the measures of redrawn drawings give known values for images whose faults are known."""

import os
import sys
import unittest

try:
    import numpy as np
except ImportError:
    print("numpy is missing: install python3-numpy")
    sys.exit(77)

sys.path.insert(0, os.path.join(os.environ["STREAMDIFFUSION_PROJECT"], "tools/train"))
import sight

SIDE = 64
GRAY, RED = (128, 128, 128), (220, 40, 40)


def box(left, top, right, bottom, side=SIDE):
    mask = np.zeros((side, side), bool)
    mask[top:bottom, left:right] = True
    return mask


def drawn(*rows):
    return np.array([list(row) for row in rows]) == "#"


def painted(*areas, background=GRAY, side=SIDE):
    """Returns an image of one colour with areas (pairs of a mask and a colour) painted over."""
    image = np.empty((side, side, 3), np.uint8)
    image[:] = background
    for mask, colour in areas:
        image[mask] = colour
    return image


class Overlap(unittest.TestCase):
    def setUp(self):
        self.mask = box(10, 10, 30, 30)
        self.background = painted()

    def overlap(self, output):
        return sight.outline_overlap(output, self.background, self.mask)

    def test_the_drawing_itself_has_all(self):
        self.assertEqual(self.overlap(painted((self.mask, RED))), 1)

    def test_a_thing_that_moved_by_half_its_width_has_a_third(self):
        self.assertAlmostEqual(self.overlap(painted((box(20, 10, 40, 30), RED))), 1 / 3)

    def test_a_missing_thing_has_none(self):
        self.assertEqual(self.overlap(self.background), 0)

    def test_a_second_thing_adds_to_the_union(self):
        self.assertAlmostEqual(self.overlap(painted((self.mask, RED), (box(40, 40, 60, 60), RED))), 1 / 2)

    def test_parts_in_the_background_colour_belong_to_the_thing(self):
        self.assertEqual(self.overlap(painted((self.mask, RED), (box(15, 15, 25, 25), GRAY))), 1)

    def test_a_bay_in_the_background_colour_does_not(self):
        self.assertAlmostEqual(self.overlap(painted((self.mask, RED), (box(15, 10, 25, 20), GRAY))), 3 / 4)

    def test_another_shade_of_the_whole_background_does_not_count(self):
        self.assertEqual(self.overlap(painted((self.mask, RED), background=(90, 128, 170))), 1)

    def test_differences_within_the_tolerance_do_not_count(self):
        faint = tuple(value + sight.TOLERANCE for value in GRAY)
        output = painted((self.mask, RED), (box(40, 40, 60, 60), faint))
        self.assertEqual(self.overlap(output), 1)

    def test_a_thing_that_fills_the_image_is_measured(self):
        self.mask = box(0, 0, SIDE, SIDE)
        self.assertAlmostEqual(self.overlap(painted((box(0, 0, SIDE // 2, SIDE), RED))), 1 / 2)

    def test_empty_masks_are_equal(self):
        nothing = box(0, 0, 0, 0)
        self.assertEqual(sight.overlap(nothing, nothing), 1)


class Filled(unittest.TestCase):
    def test_a_ring_is_a_disc(self):
        ring = box(10, 10, 30, 30) & ~box(15, 15, 25, 25)
        self.assertTrue((sight.filled(ring) == box(10, 10, 30, 30)).all())

    def test_an_open_spiral_stays_open(self):
        spiral = drawn("#######", "......#", "#####.#", "#...#.#", "#.###.#", "#.....#", "#######")
        self.assertTrue((sight.filled(spiral) == spiral).all())

    def test_a_closed_spiral_is_filled(self):
        spiral = drawn("#######", "#.....#", "#####.#", "#...#.#", "#.###.#", "#.....#", "#######")
        self.assertTrue(sight.filled(spiral).all())

    def test_a_thing_at_the_border_encloses_nothing_there(self):
        self.assertTrue((sight.filled(box(0, 0, 20, SIDE)) == box(0, 0, 20, SIDE)).all())


class Sharpness(unittest.TestCase):
    def setUp(self):
        self.everywhere = box(0, 0, SIDE, SIDE)
        self.original = painted((box(0, 0, 32, SIDE), RED))

    def test_energy_is_the_sum_of_squared_steps(self):
        image = painted((box(0, 0, 32, SIDE), (130, 128, 125)))
        self.assertEqual(sight.gradient_energy(image, self.everywhere), SIDE * (2**2 + 3**2))

    def test_rows_and_columns_count_alike(self):
        turned = np.swapaxes(self.original, 0, 1)
        self.assertEqual(sight.sharpness(turned, self.original, self.everywhere), 1)

    def test_an_edge_in_four_steps_has_a_quarter(self):
        original = painted((box(0, 0, 32, SIDE), (100, 100, 100)), background=(180, 180, 180))
        soft = original.copy()
        soft[:, 32:35] = np.array([120, 140, 160])[None, :, None]
        self.assertAlmostEqual(sight.sharpness(soft, original, self.everywhere), 1 / 4)

    def test_half_the_contrast_has_a_quarter(self):
        faint = (np.asarray(self.original, float) - GRAY) / 2 + GRAY
        self.assertAlmostEqual(sight.sharpness(faint, self.original, self.everywhere), 1 / 4)

    def test_edges_outside_the_region_do_not_count(self):
        output = painted((box(0, 0, 32, SIDE), RED), (box(50, 5, 60, 50), RED))
        self.assertEqual(sight.sharpness(output, self.original, box(0, 0, 40, SIDE)), 1)


class Ghosts(unittest.TestCase):
    def setUp(self):
        self.mask = box(0, 0, 32, SIDE)
        self.background = painted()
        self.margin = SIDE // 32

    def share(self, output):
        return sight.ghost_share(output, self.background, self.mask)

    def test_a_clean_background_has_none(self):
        self.assertEqual(self.share(painted((self.mask, RED))), 0)

    def test_a_ghost_counts_by_its_area(self):
        ghost = box(44, 0, 59, SIDE)
        self.assertAlmostEqual(self.share(painted((self.mask, RED), (ghost, RED))), 15 / (32 - self.margin))

    def test_a_shade_within_the_tolerance_is_none_and_beyond_is_all(self):
        for step, share in ((sight.TOLERANCE, 0), (sight.TOLERANCE + 1, 1)):
            with self.subTest(step):
                self.assertEqual(self.share(painted((self.mask, RED), background=(128, 128, 128 + step))), share)

    def test_the_thing_itself_and_the_margin_around_it_do_not_count(self):
        self.assertEqual(self.share(painted((box(0, 0, 32 + self.margin, SIDE), RED))), 0)
        self.assertAlmostEqual(self.share(painted((box(0, 0, 33 + self.margin, SIDE), RED))), 1 / (32 - self.margin))

    def test_holes_of_the_thing_are_not_background(self):
        self.mask = box(8, 8, 56, 56) & ~box(20, 20, 40, 40)
        self.assertEqual(self.share(painted((box(20, 20, 40, 40), RED))), 0)

    def test_an_image_without_background_has_none(self):
        self.mask = box(0, 0, SIDE, SIDE)
        self.assertEqual(self.share(painted()), 0)


class Change(unittest.TestCase):
    def frames(self, offsets, colours=None):
        colours = colours or [RED] * len(offsets)
        return [painted((box(10 + x, 20 + y, 20 + x, 30 + y), colour)) for (x, y), colour in zip(offsets, colours)]

    def change(self, frames, offsets):
        return sight.change_between_frames(frames, offsets, box(10, 20, 20, 30))

    def test_a_thing_that_moves_with_the_drawing_does_not_change(self):
        offsets = [(0, 0), (5, 3), (10, -4), (-10, 7)]
        self.assertEqual(self.change(self.frames(offsets), offsets), 0)

    def test_a_thing_that_stays_behind_does(self):
        stays = self.frames([(0, 0), (0, 0)])
        # Half of the thing's place shows the background: (92 + 88 + 88) / 3 levels of difference.
        self.assertAlmostEqual(self.change(stays, [(0, 0), (5, 0)]), (92 + 88 + 88) / 3 / 2)

    def test_flicker_is_the_mean_step_between_frames(self):
        offsets = [(0, 0), (3, 0), (6, 0)]
        frames = self.frames(offsets, [(100, 100, 100), (110, 100, 100), (110, 100, 130)])
        self.assertAlmostEqual(self.change(frames, offsets), (10 / 3 + 30 / 3) / 2)

    def test_every_frame_needs_an_offset(self):
        with self.assertRaises(ValueError):
            self.change(self.frames([(0, 0), (1, 0)]), [(0, 0)])

    def test_moving_back_and_forth_keeps_what_stays_inside(self):
        frame = painted((box(10, 10, 20, 20), RED))
        moved = sight.moved_back(sight.moved_back(frame, (4, -3)), (-4, 3))
        inside = box(4, 0, SIDE, SIDE - 3)
        self.assertTrue((moved[inside] == frame[inside]).all())


if __name__ == "__main__":
    unittest.main()
