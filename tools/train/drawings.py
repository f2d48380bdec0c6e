"""Rough drawings of the things, as people make them in a paint program: flat shapes in a few colours, with wrong proportions,
anywhere in the image, in any size, turned, mirrored, and on any background. Needs only numpy and Pillow."""

import math
import random
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

import scenes
import views

LARGEST_TURN = 25  # Degrees.
SMALLEST, LARGEST = 0.3, 1.0  # Longest side of the thing, in sides of the image.
LARGEST_MOVING = 0.7  # The same in videos, where the thing needs room to move.
WORK_SIDE = 384  # Shapes are drawn at this size and then placed, so that their edges are smooth at every size.
# A thing has to be seen: at most this share of its pixels may look like the background.
HIDDEN_AT_MOST = 0.25
# Largest difference of a channel, in levels, at which two colours look alike.
ALIKE = 40


@dataclass
class Placement:
    """The place, size and orientation of a thing that lies wholly inside the image."""

    x: float  # 0 at the left border, 1 at the right one.
    y: float  # 0 at the top, 1 at the bottom.
    extent: float  # Longest side of the thing, in sides of the image.
    turn: float  # Degrees, counter-clockwise.
    mirrored: bool


@dataclass
class Drawing:
    """A rough drawing of a thing with the true answers for it."""

    picture: Image.Image
    mask: np.ndarray  # True at the drawn thing's pixels.
    background: Image.Image  # The drawing without the thing.
    original: Image.Image  # The exact picture of the thing, at the same place and size on the same background.


def random_placement(rng):
    x, y, extent = rng.random(), rng.random(), rng.uniform(SMALLEST, LARGEST)
    return Placement(x, y, extent, rng.uniform(-LARGEST_TURN, LARGEST_TURN), rng.random() < 0.5)


def placed(picture, placement, size):
    """Returns an RGBA layer of size x size pixels that shows the picture at its place and is transparent elsewhere."""
    picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if placement.mirrored else picture
    picture = opaque_part(picture.rotate(placement.turn, Image.Resampling.BICUBIC, expand=True))
    scale = placement.extent * size / max(picture.size)
    sides = [max(1, round(scale * side)) for side in picture.size]
    # Colours are averaged with premultiplied alpha, or transparent pixels would darken the edges.
    small = picture.convert("RGBa").resize(sides, Image.Resampling.LANCZOS, reducing_gap=3).convert("RGBA")
    layer = Image.new("RGBA", (size, size))
    layer.paste(small, (round(placement.x * (size - sides[0])), round(placement.y * (size - sides[1]))))
    return layer


def opaque_part(picture):
    return picture.crop(picture.getchannel("A").point(lambda alpha: 255 if alpha >= 128 else 0).getbbox())


def background(rng, size, plain=False):
    """Returns one colour, or if it need not be plain also two with a straight border between them, or a gradient."""
    kind = rng.random()
    if plain or kind < 0.6:
        return Image.new("RGB", (size, size), scenes.colour(rng))
    ramp = np.linspace(0, 1, size)[:, None, None] * np.ones((1, size, 1))
    if kind < 0.8:
        ramp = ramp > rng.uniform(0.3, 0.8)
    first, second = np.array(scenes.colour(rng)), np.array(scenes.colour(rng))
    mixed = np.rot90((1 - ramp) * first + ramp * second, rng.randrange(4))
    return Image.fromarray(np.ascontiguousarray(mixed).astype(np.uint8))


def hidden_share(background_, layer):
    """Returns the share of a layer's opaque pixels that look like the background."""
    pixels = np.asarray(layer).astype(int)
    alike = np.abs(pixels[..., :3] - np.asarray(background_)).max(2) <= ALIKE
    return alike[pixels[..., 3] >= 128].mean()


def visible_background(rng, size, *layers, plain=False):
    """Returns a random background that all layers stand out from."""
    for _ in range(100):
        chosen = background(rng, size, plain)
        if all(hidden_share(chosen, layer) <= HIDDEN_AT_MOST for layer in layers):
            return chosen
    raise ValueError(f"no background of 100 shows the thing: more than {HIDDEN_AT_MOST:.0%} of it looks like each")


def main_colours(pixels, count, rng):
    """Returns `count` colours that stand for the pixels (an array of rows of channels), by k-means."""
    colours = pixels[rng.sample(range(len(pixels)), count)]
    for _ in range(8):
        nearest = nearest_colour(pixels, colours)
        colours = np.array([pixels[nearest == i].mean(0) if (nearest == i).any() else c for i, c in enumerate(colours)])
    return colours


def nearest_colour(pixels, colours):
    return ((pixels[:, None] - colours) ** 2).sum(2).argmin(1)


def labels_of(picture, colours):
    """Returns, for each pixel of an RGBA picture, the index of its nearest colour, or len(colours) where it is transparent."""
    pixels = np.asarray(picture).astype(float)
    labels = nearest_colour(pixels[..., :3].reshape(-1, 3), colours).reshape(pixels.shape[:2])
    return np.where(pixels[..., 3] >= 128, labels, len(colours))


def smooth_areas(labels, count, radius):
    """Resizes a map of labels to WORK_SIDE, rounds its borders and drops details smaller than `radius` pixels of the result."""
    weights = []
    for label in range(count):
        area = Image.fromarray(((labels == label) * 255).astype(np.uint8))
        area = area.resize((WORK_SIDE, WORK_SIDE), Image.Resampling.BICUBIC)
        weights.append(np.asarray(area.filter(ImageFilter.GaussianBlur(radius))))
    return np.argmax(weights, 0)


def wobble(rng, side, grid, amplitude):
    """Returns a smooth random displacement of each pixel along one axis, at most `amplitude` pixels."""
    knots = np.array([[rng.uniform(-amplitude, amplitude) for _ in range(grid)] for _ in range(grid)], np.float32)
    return np.asarray(Image.fromarray(knots).resize((side, side), Image.Resampling.BICUBIC))


def misproportioned(labels, outside, rng):
    """Stretches, shears and wobbles a square map of labels. Pixels from beyond it get the label `outside`."""
    side = len(labels)
    stretch, shear = math.exp(rng.uniform(-0.18, 0.18)), rng.uniform(-0.12, 0.12)
    centred = np.arange(side) - (side - 1) / 2
    # The longer stretch is 1, so that nothing leaves the map.
    wide, high = max(1, 1 / stretch), max(1, stretch)
    x = centred[None, :] * wide + centred[:, None] * shear + wobble(rng, side, 5, 0.05 * side) + (side - 1) / 2
    y = centred[:, None] * high + wobble(rng, side, 5, 0.05 * side) + (side - 1) / 2
    inside = (x >= 0) & (x <= side - 1) & (y >= 0) & (y <= side - 1)
    at = [np.clip(axis, 0, side - 1).round().astype(int) for axis in (y, x)]
    return np.where(inside, labels[at[0], at[1]], outside)


def rough(picture, rng):
    """Returns an RGBA picture of the same thing, as somebody without practice draws it: flat shapes in two to five colours."""
    margin = picture.width // 6
    wider = Image.new("RGBA", (picture.width + 2 * margin, picture.height + 2 * margin))
    wider.paste(picture, (margin, margin))
    pixels = np.asarray(picture).astype(float)
    opaque = pixels[pixels[..., 3] >= 128][:, :3]
    colours = main_colours(opaque, rng.randint(2, 5), rng)
    count = len(colours) + 1
    labels = smooth_areas(labels_of(wider, colours), count, rng.uniform(0.01, 0.022) * WORK_SIDE)
    labels = misproportioned(labels, count - 1, rng)
    shades = np.clip(colours + [[rng.uniform(-30, 30) for _ in range(3)] for _ in colours], 0, 255)
    rgba = np.concatenate((shades, np.full((len(shades), 1), 255.0)), 1)
    return Image.fromarray(np.concatenate((rgba, np.zeros((1, 4))))[labels].round().astype(np.uint8))


def drawing(picture, size, seed):
    """Returns the rough drawing of an RGBA picture of a thing that belongs to the seed."""
    rng = random.Random(seed)
    placement = random_placement(rng)
    shape, exact = placed(rough(picture, rng), placement, size), placed(picture, placement, size)
    behind = visible_background(rng, size, shape, exact)
    mask = np.asarray(shape.getchannel("A")) >= 128
    return Drawing(over(behind, shape), mask, behind, over(behind, exact))


def over(background_, layer, offset=(0, 0)):
    """Returns the background with the layer, moved by the offset, on it."""
    scene = background_.copy()
    scene.paste(layer, offset, layer)
    return scene


@dataclass
class Video:
    """A rough drawing that moves across a background of one colour."""

    frames: list[Image.Image]
    offsets: list[tuple[int, int]]  # How far the thing has moved since the first frame, in pixels.
    mask: np.ndarray  # True at the thing's pixels in the first frame.


def video(picture, size, seed, count):
    """Returns the video of an RGBA picture of a thing that belongs to the seed. The thing keeps inside the image."""
    rng = random.Random(seed)
    placement = random_placement(rng)
    placement.extent = rng.uniform(SMALLEST, LARGEST_MOVING)
    layer = placed(rough(picture, rng), placement, size)
    behind = visible_background(rng, size, layer, plain=True)
    step = max(1, size // 85)  # 1.2% of the side. It is no multiple of 8 pixels, by which latents could just move.
    across, down = (step if start < 0.5 else -step for start in (placement.x, placement.y))
    offsets = [(across * index, down * index) for index in range(count)]
    frames = [over(behind, layer, offset) for offset in offsets]
    return Video(frames, offsets, np.asarray(layer.getchannel("A")) >= 128)


def blurred(picture, size):
    """Puts an original on a coloured background: moved a little, recoloured and blurred."""
    scene = Image.new("RGB", (size, size), scenes.colour())
    views.place(scene, picture, views.around(0.5, 0.06), views.around(0.5, 0.06), random.uniform(0.7, 0.85))
    scene = ImageEnhance.Color(scene).enhance(random.uniform(0.6, 1.2))
    scene = ImageEnhance.Brightness(scene).enhance(random.uniform(0.85, 1.1))
    return scene.filter(ImageFilter.GaussianBlur(size / 50))
