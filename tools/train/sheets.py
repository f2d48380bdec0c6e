"""Writes the sheets of pictures in docs/default-model.md."""

from PIL import Image

import drawings
import train
from model_folder import FOUR_STEPS, OTHER_SIZES


def write_sheet(path, rows, side=128):
    sheet = Image.new("RGB", (side * max(map(len, rows)), side * len(rows)), "white")
    for y, row in enumerate(rows):
        for x, picture in enumerate(row):
            sheet.paste(picture.resize((side, side), Image.Resampling.LANCZOS), (side * x, side * y))
    sheet.save(path, optimize=True)


def write_sheets(model_, things, folder):
    prompts = train.SHEET
    write_sheet(
        folder / "default-model-prompts.png",
        [model_.pictures(prompts, indices, 7) for indices in ((0,), (0, 25), FOUR_STEPS)],
    )
    names = things.names[::3][:96]
    pictures = model_.pictures(names, FOUR_STEPS, 8)
    write_sheet(folder / "default-model-things.png", [pictures[at : at + 16] for at in range(0, len(pictures), 16)], 80)
    shown = (
        "cat face",
        "red apple",
        "rocket",
        "house",
        "penguin on a light blue background",
        "tulip",
        "two fish",
        "octopus",
    )
    sizes = sorted((*OTHER_SIZES, model_.size))
    write_sheet(
        folder / "default-model-sizes.png", [model_.pictures(shown, FOUR_STEPS, 11, size=size) for size in sizes]
    )
    unknown = [
        "a",
        "spaceship above a city",
        "portrait of a woman",
        "green cat",
        "three red apple",
        "asdf",
        "summer evening",
        "dog riding a bicycle",
    ]
    write_sheet(folder / "default-model-weak.png", [model_.pictures(unknown, FOUR_STEPS, 9)])
    chosen = [
        things.names.index(name) for name in ("cat face", "red apple", "rocket", "penguin", "tulip", "grinning face")
    ]
    drawn = [drawings.drawing(things.pictures[i], 8 * model_.size, f"shown {i}").picture for i in chosen]
    rows = [
        model_.pictures([things.names[i] for i in chosen], indices, 10, drawn)
        for indices in ((40,), (30, 45), (20, 45), (10, 45))
    ]
    write_sheet(folder / "default-model-drawings.png", [drawn, *rows])
