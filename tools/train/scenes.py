"""Training images for the autoencoder: random crops of photos, and of emoji and clip art on plain, shaded or photographed
backgrounds."""

import json
import random

import numpy as np
from PIL import Image

COLOURS = {
    "white": (255, 255, 255),
    "black": (20, 20, 20),
    "gray": (128, 128, 128),
    "red": (220, 40, 40),
    "orange": (245, 140, 30),
    "yellow": (250, 215, 50),
    "green": (50, 160, 70),
    "blue": (40, 90, 210),
    "light blue": (150, 205, 245),
    "purple": (130, 60, 170),
    "pink": (250, 160, 195),
    "brown": (130, 85, 50),
}
VARIED_BY = 12  # Levels by which a channel of a named colour may differ.
HELD_OUT_EVERY = 20  # Every twentieth emoji is not trained on, to measure the autoencoder with.


def load(path, mode):
    with Image.open(path) as picture:
        return picture.convert(mode)


def emoji_entries(data):
    return json.loads((data / "emoji.json").read_text())


class Pictures:
    """The images that scenes are made of, in memory."""

    def __init__(self, data, clipart):
        emoji = [load(data / "emoji" / entry["file"], "RGBA") for entry in emoji_entries(data)]
        self.held_out_emoji = emoji[::HELD_OUT_EVERY]
        self.emoji = [picture for index, picture in enumerate(emoji) if index % HELD_OUT_EVERY]
        paths = sorted((data / "clipart").glob("*.png"))
        self.clipart = [load(path, "RGBA") for path in random.sample(paths, min(clipart, len(paths)))]
        self.photos = [load(path, "RGB") for path in sorted((data / "photos").glob("*.jpg"))]


def colour(rng=random):
    named = rng.choice(list(COLOURS.values())) if rng.random() < 0.6 else [rng.randrange(256) for _ in range(3)]
    return tuple(min(255, max(0, value + rng.randint(-VARIED_BY, VARIED_BY))) for value in named)


def colour_name(picture):
    """Returns the name of a picture's colour, or None if it has several colours or one without a name."""
    extrema = picture.getextrema()
    if any(low != high for low, high in extrema):
        return None
    shade = [low for low, _ in extrema]
    differences = {
        name: max(abs(a - b) for a, b in zip(shade, named, strict=True)) for name, named in COLOURS.items()
    }
    nearest = min(differences, key=differences.get)
    return nearest if differences[nearest] <= VARIED_BY else None


def photo_crop(photo, size):
    """Returns a random square part of a photo, at a random scale that never enlarges it."""
    side = min(photo.width, photo.height, int(size * random.uniform(1.0, 3.0)))
    x, y = random.randint(0, photo.width - side), random.randint(0, photo.height - side)
    crop = photo.resize((size, size), Image.Resampling.BICUBIC, (x, y, x + side, y + side))
    return crop.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if random.random() < 0.5 else crop


def background(size, photos):
    kind = random.random()
    if kind < 0.55:
        return Image.new("RGB", (size, size), colour())
    if kind < 0.8:
        ramp = np.linspace(0, 1, size)[:, None, None] * np.ones((1, size, 1))
        mixed = (1 - ramp) * colour() + ramp * colour()
        return Image.fromarray(np.rot90(mixed, random.randrange(4)).astype(np.uint8))
    return photo_crop(random.choice(photos), size)


def pasted(scene, picture, extent):
    """Pastes an image, `extent` pixels wide, at a random position into the scene."""
    scale = picture.width / extent
    x, y = (random.uniform(-0.4 * extent, max(0.6 * extent, scene.width - 0.6 * extent)) for _ in range(2))
    if random.random() < 0.5:
        picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    # Affine sampling alone would alias when shrinking.
    if scale > 1.5:
        picture = picture.reduce(int(scale + 0.5))
        scale = picture.width / extent
    placed = picture.transform(
        scene.size, Image.Transform.AFFINE, (scale, 0, -x * scale, 0, scale, -y * scale), Image.Resampling.BICUBIC
    )
    scene.paste(placed, (0, 0), placed)
    return scene


def crop_of_scene(pictures, size):
    """Returns size x size pixels of a random scene, at the scale of a 256x256 image."""
    kind = random.random()
    if kind < 0.35:
        return photo_crop(random.choice(pictures.photos), size)
    scene = background(size, pictures.photos)
    for _ in range(random.choice((1, 1, 2))):
        source = pictures.emoji if kind < 0.75 else pictures.clipart
        scene = pasted(scene, random.choice(source), random.uniform(70, 250))
    return scene
