"""Training images and their captions. An image shows a background with one thing, small or large, at some position, with
several of a kind, or with two things next to each other."""

import random
from pathlib import Path

from PIL import Image

import scenes

THINGS = (Path(__file__).parent / "things.txt").read_text().split("\n")[:-1]
COLOUR_NAMES = list(scenes.COLOURS)
COUNTS = {2: "two", 3: "three", 4: "four"}
PLACES = {
    (-1, -1): "in the top left corner",
    (1, -1): "in the top right corner",
    (-1, 1): "in the bottom left corner",
    (1, 1): "in the bottom right corner",
    (-1, 0): "on the left",
    (1, 0): "on the right",
}


class Things:
    """Images, names and keywords of the first things in things.txt."""

    def __init__(self, data, count=len(THINGS)):
        self.names = THINGS[:count]
        entries = {entry["name"]: entry for entry in scenes.emoji_entries(data)}
        missing = [name for name in self.names if name not in entries]
        if missing:
            raise SystemExit(f"{data}/emoji.json: has no picture of {', '.join(missing)}")
        self.pictures = [squared(scenes.load(data / "emoji" / entries[name]["file"], "RGBA")) for name in self.names]
        self.keywords = [[word for word in entries[name]["keywords"] if word.lower() != name] for name in self.names]


def squared(picture):
    side = max(picture.size)
    square = Image.new("RGBA", (side, side))
    square.paste(picture, ((side - picture.width) // 2, (side - picture.height) // 2))
    return square


def is_held_out(first, second):
    """True for combinations (of a thing and a colour, or of two things) that are in no training caption, for evaluation."""
    return (7 * first + 13 * second) % 41 == 0


def place(scene, picture, x, y, extent):
    """Pastes an image, `extent` of the scene's side wide, around the relative position (x, y) into the scene."""
    side = max(1, round(extent * scene.width))
    placed = picture.resize((side, side), Image.Resampling.LANCZOS)
    scene.paste(placed, (round(x * scene.width - side / 2), round(y * scene.height - side / 2)), placed)


def around(value, spread):
    return value + random.uniform(-spread, spread)


def view(things, thing, size):
    """Draws a random image of a thing. Returns it with a description: {thing, colour, kind, ...}."""
    colour = 0 if random.random() < 0.45 else random.randrange(len(COLOUR_NAMES))
    if is_held_out(thing, colour):
        colour = 0
    shade = tuple(min(255, max(0, value + random.randint(-6, 6))) for value in scenes.COLOURS[COLOUR_NAMES[colour]])
    scene = Image.new("RGB", (size, size), shade)
    picture = things.pictures[thing]
    shown = {"thing": thing, "colour": colour, "kind": "one"}
    kind = random.random()
    if kind < 0.55:
        # The position is fixed: one step from pure noise would give the mean of all positions.
        place(scene, picture, 0.5, 0.5, 0.84)
    elif kind < 0.64:
        extent = random.uniform(0.5, 0.9)
        shown["kind"] = "small" if extent < 0.7 else "one"
        place(scene, picture, around(0.5, (1 - extent) / 2), around(0.5, (1 - extent) / 2), extent)
    elif kind < 0.71:
        (x, y), _ = shown["place"] = random.choice(list(PLACES.items()))
        shown["kind"] = "place"
        place(scene, picture, around(0.5 + 0.24 * x, 0.02), around(0.5 + 0.24 * y, 0.02), random.uniform(0.42, 0.48))
    elif kind < 0.77:
        shown |= {"kind": "count", "count": random.choice(list(COUNTS))}
        spots = {
            2: ((0.27, 0.5), (0.73, 0.5)),
            3: ((0.5, 0.27), (0.27, 0.73), (0.73, 0.73)),
            4: ((0.27, 0.27), (0.73, 0.27), (0.27, 0.73), (0.73, 0.73)),
        }[shown["count"]]
        for x, y in spots:
            place(scene, picture, around(x, 0.01), around(y, 0.01), 0.44)
    else:
        other = random.randrange(len(things.names))
        if is_held_out(thing, other):
            other = (other + 1) % len(things.names)
        shown |= {"kind": "two", "other": other}
        place(scene, picture, around(0.27, 0.01), around(0.5, 0.03), random.uniform(0.44, 0.48))
        place(scene, things.pictures[other], around(0.73, 0.01), around(0.5, 0.03), random.uniform(0.44, 0.48))
    return scene, shown


def caption(things, shown, background_is_seen):
    """Returns a random caption of a view. If the noise leaves the background visible, the caption may omit it, so that image to
    image keeps the background. Otherwise a background that is not named is white."""
    name = name_or_keyword(things, shown["thing"])
    if shown["kind"] == "count":
        text = f"{COUNTS[shown['count']]} {name}"
    elif shown["kind"] == "two":
        text = f"{name} and {things.names[shown['other']]}"
    elif shown["kind"] == "place":
        text = f"{name} {shown['place'][1]}"
    elif shown["kind"] == "small":
        text = f"small {name}"
    else:
        text = name
    colour = COLOUR_NAMES[shown["colour"]]
    said = 0.5 if background_is_seen else 1.0
    return on_colour(text, colour) if random.random() < (0.3 if shown["colour"] == 0 else said) else text


def caption_of_drawing(things, shown):
    """Returns a random caption of a rough drawing. The background is seen, so it may be left out."""
    text, colour = name_or_keyword(things, shown["thing"]), shown["colour"]
    is_said = colour and not is_held_out(shown["thing"], COLOUR_NAMES.index(colour)) and random.random() < 0.4
    return on_colour(text, colour) if is_said else text


def name_or_keyword(things, thing):
    keywords = things.keywords[thing]
    return random.choice(keywords) if keywords and random.random() < 0.06 else things.names[thing]


def on_colour(text, colour):
    return f"{text} on {'an' if colour[0] in 'aeiou' else 'a'} {colour} background"
