#!/usr/bin/env python3
"""Measures a model folder and writes the table and the sheets of docs/default-model.md.

Results are judged by means that never saw a generated image: the classifier, colours of pixels, and the originals.
"""

import argparse
import random
import re
from pathlib import Path

import numpy as np
import torch

import classifier
import redrawing
import scenes
import sheets
import train_autoencoder
import views
from model_folder import FOUR_STEPS, OTHER_SIZES, ModelFolder

FIGURES = "<!-- figures of tools/train/evaluate.py -->", "<!-- end of the figures -->"
REDRAWN = "<!-- redrawn drawings, by tools/train/evaluate.py -->", "<!-- end of the redrawn drawings -->"

LISTED = 8  # Number of things that were not recognised to list.


def border_colour(picture):
    """Returns the named colour that is nearest to most of the border's pixels."""
    pixels = np.asarray(picture).astype(float)
    border = np.concatenate((pixels[:6].reshape(-1, 3), pixels[-6:].reshape(-1, 3)))
    distances = ((border[:, None] - np.array(list(scenes.COLOURS.values()))) ** 2).sum(2)
    return views.COLOUR_NAMES[np.bincount(distances.argmin(1), minlength=len(scenes.COLOURS)).argmax()]


def half(picture, x):
    """Cuts out the square around one of two adjacent things, whose centre is at the relative position `x`."""
    side = picture.width
    return picture.crop((round((x - 0.25) * side), side // 4, round((x + 0.25) * side), side - side // 4))


class Evaluation:
    def __init__(self, model_, things, judge):
        self.model, self.things, self.judge = model_, things, judge
        self.rows, self.confused = [], []

    def add(self, what, value, wanted):
        self.rows.append((what, value, wanted))
        print(f"{what}: {value} (wanted: {wanted})", flush=True)

    @torch.no_grad()
    def named(self, pictures):
        return self.judge(classifier.as_tensor(pictures)).argmax(1).tolist()

    def share(self, hits):
        return f"{np.mean(hits):.0%} of {len(hits)}"

    def names(self):
        names = self.things.names
        for what, indices, wanted in (("four steps", FOUR_STEPS, "90%"), ("one step", (0,), "80%")):
            answers = self.named(self.model.pictures(names, indices, seed=101))
            self.add(f"name right, {what}", self.share([a == i for i, a in enumerate(answers)]), wanted)
            if not self.confused:
                self.confused = [(names[i], views.THINGS[a]) for i, a in enumerate(answers) if a != i]

    def sizes(self):
        chosen = random.sample(range(len(self.things.names)), 100)
        for size in OTHER_SIZES:
            pictures = self.model.pictures([self.things.names[i] for i in chosen], FOUR_STEPS, 106, size=size)
            right = [a == i for i, a in zip(chosen, self.named(pictures))]
            self.add(f"name right, four steps, {8 * size}x{8 * size}", self.share(right), "works")

    def backgrounds(self):
        cases = [(random.randrange(len(self.things.names)), random.choice(views.COLOUR_NAMES)) for _ in range(100)]
        pictures = self.model.pictures(
            [views.on_colour(self.things.names[i], colour) for i, colour in cases], FOUR_STEPS, 102
        )
        self.add(
            "background colour right, four steps",
            self.share([border_colour(p) == c for p, (_, c) in zip(pictures, cases)]),
            "95%",
        )

    def combinations(self):
        names, colours = self.things.names, views.COLOUR_NAMES
        on = [(i, c) for i in range(len(names)) for c in range(1, len(colours)) if views.is_held_out(i, c)]
        on = random.sample(on, 25)
        pictures = self.model.pictures([views.on_colour(names[i], colours[c]) for i, c in on], FOUR_STEPS, 103)
        hits = [a == i and border_colour(p) == colours[c] for p, (i, c), a in zip(pictures, on, self.named(pictures))]
        self.add("thing and colour never seen together: both right", self.share(hits), "reported")
        two = [(i, j) for i in range(len(names)) for j in range(len(names)) if i != j and views.is_held_out(i, j)]
        two = random.sample(two, 25)
        pictures = self.model.pictures([f"{names[i]} and {names[j]}" for i, j in two], FOUR_STEPS, 104)
        left, right = (self.named([half(p, x) for p in pictures]) for x in (0.27, 0.73))
        self.add(
            "two things never seen together: both right",
            self.share([(l, r) == pair for l, r, pair in zip(left, right, two)]),
            "reported",
        )
        self.add(
            "two things never seen together: at least one right",
            self.share([l == i or r == j for l, r, (i, j) in zip(left, right, two)]),
            "reported",
        )

    def autoencoder(self, data):
        sets = train_autoencoder.held_out(data, scenes.Pictures(data, 0))
        for (kind, set_), wanted in zip(sets.items(), ("33 dB", "31 dB", "25 dB")):
            value = train_autoencoder.psnr(train_autoencoder.reconstruct(self.model.vae, set_), set_)
            self.add(f"autoencoder, held-out {kind} ({len(set_)})", f"{value:.1f} dB", wanted)

    def table(self):
        lines = ["| figure | measured | wanted |", "| --- | --- | --- |"]
        return "\n".join(lines + [f"| {what} | {value} | {wanted} |" for what, value, wanted in self.rows])


def redrawn_table(evaluation, drawn, filmed):
    """Returns how rough drawings are redrawn, and prints it row by row."""
    model, things = evaluation.model, evaluation.things

    def redraw_at(indices):
        return lambda names, pictures: model.pictures(names, indices, 107, pictures)

    drawings = redrawing.Redrawing(things, 8 * model.size, drawn, filmed)
    rows = []
    for row in redrawing.rows(drawings, redraw_at, evaluation.named):
        rows.append(row)
        print(*row, flush=True)
    return f"{drawn} drawings and {filmed} videos of {redrawing.FRAMES} frames:\n\n{redrawing.table(rows)}"


def write_between(path, marks, text):
    """Replaces the text between two marks in a document; the text around them is written by hand."""
    begin, end = marks
    document = path.read_text() if path.exists() else f"{begin}\n{end}\n"
    pattern = f"{re.escape(begin)}.*{re.escape(end)}"
    path.write_text(re.sub(pattern, lambda _: f"{begin}\n{text}\n{end}", document, flags=re.DOTALL))


def write_document(path, evaluation, redrawn):
    confused = evaluation.confused
    listed = "; ".join(f"{name} (taken for {answer})" for name, answer in confused[:: max(1, len(confused) // LISTED)])
    write_between(path, FIGURES, f"{evaluation.table()}\n\nSome that were not recognised in four steps: {listed}.")
    write_between(path, REDRAWN, redrawn)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="the model")
    parser.add_argument("--data", type=Path, default=Path("train-data"))
    parser.add_argument("--output", type=Path, default=Path("train-output"), help="where the classifier is kept")
    parser.add_argument("--things", type=int, default=len(views.THINGS), help="ask for the first so many of things.txt")
    parser.add_argument(
        "--docs", type=Path, help="where default-model.md and the sheets go; without, they are only printed"
    )
    parser.add_argument("--drawn", type=int, default=30, help="number of rough drawings to redraw at each setting")
    parser.add_argument("--filmed", type=int, default=3, help="number of videos to redraw at each setting")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    random.seed(100)
    torch.manual_seed(100)
    everything = views.Things(arguments.data)
    things = views.Things(arguments.data, arguments.things)
    judge = classifier.load_or_train(arguments.output / "classifier.pt", everything)
    evaluation = Evaluation(ModelFolder(arguments.folder), things, judge)
    with torch.no_grad():
        evaluation.add(
            f"the classifier itself, among {len(everything.names)} things, on augmented originals",
            f"{classifier.accuracy(judge, everything):.1%} of 1000",
            "95%",
        )
    evaluation.names()
    evaluation.backgrounds()
    evaluation.combinations()
    evaluation.autoencoder(arguments.data)
    evaluation.sizes()
    redrawn = redrawn_table(evaluation, arguments.drawn, arguments.filmed)
    if arguments.docs:
        sheets.write_sheets(evaluation.model, things, arguments.docs)
        write_document(arguments.docs / "default-model.md", evaluation, redrawn)


if __name__ == "__main__":
    main()
