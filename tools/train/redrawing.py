"""Measures how a model redraws rough drawings: each measure in sight.py over drawings whose seeds are fixed, at each strength and
number of steps. Needs only numpy and Pillow; the model is a function that is passed in."""

from dataclasses import dataclass

import numpy as np

import drawings
import sight

STRENGTHS = (0.4, 0.5, 0.6, 0.7, 0.8)
STEP_NAMES = {1: "one step", 2: "two steps", 4: "four steps"}
SCHEDULE = 50  # Length of the schedule that t indices count in.
LAST_INDEX = 45  # The last step's, unless denoising begins later.
FRAMES = 6
SEED = "redrawn"


def t_indices(strength, steps):
    """Returns the t indices that the program denoises at (t_index_list_for in src/settings/parameters.cpp)."""
    first = SCHEDULE - max(1, int(strength * SCHEDULE + 0.5))
    last = min(SCHEDULE - 1, max(LAST_INDEX, first + steps - 1))
    return (first, *(first + int(index * (last - first) / (steps - 1) + 0.5) for index in range(1, steps)))


@dataclass
class Figures:
    """Measures of redrawn images, over all drawings."""

    named: float  # Share whose thing is recognised.
    overlap: float  # Mean overlap of outlines.
    sharpness: float  # Median, since single soft originals would dominate a mean.
    ghosts: float  # Mean share of the background.
    change: float  # Mean change between frames of the videos, in levels.

    def cells(self):
        return f"{self.named:.0%}", f"{self.overlap:.2f}", f"{self.sharpness:.2f}", f"{self.ghosts:.1%}", f"{self.change:.1f}"


class Redrawing:
    """The drawings and videos of a sample of the things, to be redrawn."""

    def __init__(self, things, size, drawn, filmed):
        """Draws and films so many of the things, evenly spread over the list."""
        self.names = things.names
        self.chosen, self.filmed = (spread(len(things.names), count) for count in (drawn, filmed))
        self.drawings = [drawings.drawing(things.pictures[i], size, f"{SEED} {self.names[i]}") for i in self.chosen]
        self.videos = [drawings.video(things.pictures[i], size, f"{SEED} {self.names[i]}", FRAMES) for i in self.filmed]

    def figures(self, redraw, recognise):
        """Returns the figures of a model. redraw(names, pictures) returns the redrawn pictures. It makes them from the same noise
        at each call. recognise(pictures) returns the index of the thing in each."""
        outputs = redraw([self.names[i] for i in self.chosen], [drawing.picture for drawing in self.drawings])
        measured = [measures(drawing, np.asarray(output)) for drawing, output in zip(self.drawings, outputs)]
        overlaps, sharpness, ghosts = zip(*measured)
        return Figures(
            float(np.equal(recognise(outputs), self.chosen).mean()),
            float(np.mean(overlaps)),
            float(np.median(sharpness)),
            float(np.mean(ghosts)),
            float(np.mean([self.change(redraw, index) for index in range(len(self.videos))])),
        )

    def change(self, redraw, index):
        """Returns the change between a video's frames. Each is redrawn from the same noise, as in a stream."""
        video, name = self.videos[index], self.names[self.filmed[index]]
        outputs = [redraw([name], [frame])[0] for frame in video.frames]
        return sight.change_between_frames(outputs, video.offsets, video.mask)


def spread(total, count):
    """Returns `count` indices below `total`, evenly spread."""
    return [index * total // count for index in range(count)]


def measures(drawing, output):
    """Returns overlap, sharpness and share of ghosts of one redrawn drawing."""
    background = np.asarray(drawing.background)
    region = sight.grown(drawing.mask, sight.margin(drawing.mask))
    return (
        sight.outline_overlap(output, background, drawing.mask),
        sight.sharpness(output, np.asarray(drawing.original), region),
        sight.ghost_share(output, background, drawing.mask),
    )


def rows(redrawing, redraw_at, recognise):
    """Yields a description and the figures for each number of steps and strength. redraw_at(indices) returns the function that
    redraws at these t indices."""
    for steps, name in STEP_NAMES.items():
        for strength in STRENGTHS:
            yield f"strength {strength}, {name}", redrawing.figures(redraw_at(t_indices(strength, steps)), recognise)


def table(rows):
    """Returns the table of figures as Markdown. `rows` are pairs of a description of the strength and steps, and Figures."""
    lines = ["| redrawn at | name right | outline overlap | sharpness | ghosts | change |", "| --- |" + " ---: |" * 5]
    return "\n".join(lines + [f"| {' | '.join((what, *figures.cells()))} |" for what, figures in rows])
