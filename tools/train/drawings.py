"""Rough drawings of the things, as people make them in a paint program: flat shapes in a few colours, with wrong proportions,
anywhere in the image, in any size, turned, mirrored, and on any background. Needs only numpy and Pillow."""

import math
import random
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageFilter

import scenes

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
    return placed_alike([picture], placement, size)[0]


def placed_alike(pictures, placement, size):
    """Returns a layer for each of several pictures of one size, as placed() does. The place is that of all things in them together,
    so that points which coincide in the pictures coincide in the layers."""
    if placement.mirrored:
        pictures = [picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT) for picture in pictures]
    pictures = [picture.rotate(placement.turn, Image.Resampling.BICUBIC, expand=True) for picture in pictures]
    box = opaque_box(pictures)
    sides = box[2] - box[0], box[3] - box[1]
    scale = placement.extent * size / max(sides)
    sides = [max(1, round(scale * side)) for side in sides]
    corner = tuple(round(at * (size - side)) for at, side in zip((placement.x, placement.y), sides))
    return [layer_of(picture.crop(box), sides, corner, size) for picture in pictures]


def opaque_box(pictures):
    """Returns left, top, right and bottom of the smallest box that holds every picture's opaque pixels."""
    boxes = [picture.getchannel("A").point(lambda alpha: 255 if alpha >= 128 else 0).getbbox() for picture in pictures]
    return (*(min(box[i] for box in boxes) for i in (0, 1)), *(max(box[i] for box in boxes) for i in (2, 3)))


def layer_of(picture, sides, corner, size):
    # Colours are averaged with premultiplied alpha, or transparent pixels would darken the edges.
    small = picture.convert("RGBa").resize(sides, Image.Resampling.LANCZOS, reducing_gap=3).convert("RGBA")
    layer = Image.new("RGBA", (size, size))
    layer.paste(small, corner)
    return layer


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


class Misproportions:
    """Wrong proportions of a square map: it is stretched, sheared and wobbled."""

    def __init__(self, rng, side):
        stretch, shear = math.exp(rng.uniform(-0.18, 0.18)), rng.uniform(-0.12, 0.12)
        centred = np.arange(side) - (side - 1) / 2
        # The longer stretch is 1, so that nothing leaves the map.
        wide, high = max(1, 1 / stretch), max(1, stretch)
        x = centred[None, :] * wide + centred[:, None] * shear + wobble(rng, side, 5, 0.05 * side) + (side - 1) / 2
        y = centred[:, None] * high + wobble(rng, side, 5, 0.05 * side) + (side - 1) / 2
        self.inside = (x >= 0) & (x <= side - 1) & (y >= 0) & (y <= side - 1)
        # The source of each pixel.
        self.x, self.y = (np.clip(axis, 0, side - 1) for axis in (x, y))

    def of_labels(self, labels, outside):
        """Returns a map of labels with these proportions. Pixels from beyond it get the label `outside`."""
        return np.where(self.inside, labels[self.y.round().astype(int), self.x.round().astype(int)], outside)

    def of_picture(self, picture):
        """Returns an RGBA picture with these proportions. Pixels from beyond it are transparent."""
        pixels = np.asarray(picture.convert("RGBa")).astype(float)
        left, top = (np.minimum(axis.astype(int), len(pixels) - 2) for axis in (self.x, self.y))
        right_share, lower_share = (self.x - left)[..., None], (self.y - top)[..., None]
        upper, lower = (
            pixels[row, left] * (1 - right_share) + pixels[row, left + 1] * right_share for row in (top, top + 1)
        )
        mixed = (upper * (1 - lower_share) + lower * lower_share) * self.inside[..., None]
        return Image.fromarray(mixed.round().astype(np.uint8), "RGBa").convert("RGBA")


def wider_by_margin(picture):
    """Returns a square picture with a margin, into which its outlines may move."""
    margin = picture.width // 6
    wider = Image.new("RGBA", (picture.width + 2 * margin, picture.height + 2 * margin))
    wider.paste(picture, (margin, margin))
    return wider


def rough_and_exact(picture, rng):
    """Returns an RGBA picture of the same thing, as somebody without practice draws it: flat shapes in two to five colours. Also
    returns the exact picture with the proportions of that one."""
    wider = wider_by_margin(picture)
    pixels = np.asarray(picture).astype(float)
    opaque = pixels[pixels[..., 3] >= 128][:, :3]
    colours = main_colours(opaque, rng.randint(2, 5), rng)
    count = len(colours) + 1
    labels = smooth_areas(labels_of(wider, colours), count, rng.uniform(0.01, 0.022) * WORK_SIDE)
    proportions = Misproportions(rng, WORK_SIDE)
    labels = proportions.of_labels(labels, count - 1)
    shades = np.clip(colours + [[rng.uniform(-30, 30) for _ in range(3)] for _ in colours], 0, 255)
    rgba = np.concatenate((shades, np.full((len(shades), 1), 255.0)), 1)
    drawn = Image.fromarray(np.concatenate((rgba, np.zeros((1, 4))))[labels].round().astype(np.uint8))
    return drawn, proportions.of_picture(wider.resize((WORK_SIDE, WORK_SIDE), Image.Resampling.BICUBIC))


def rough(picture, rng):
    return rough_and_exact(picture, rng)[0]


def drawing(picture, size, seed):
    """Returns the rough drawing of an RGBA picture of a thing that belongs to the seed."""
    rng = random.Random(seed)
    placement = random_placement(rng)
    shape, exact = placed(rough(picture, rng), placement, size), placed(picture, placement, size)
    behind = visible_background(rng, size, shape, exact)
    mask = np.asarray(shape.getchannel("A")) >= 128
    return Drawing(over(behind, shape), mask, behind, over(behind, exact))


@dataclass
class Pair:
    """A rough drawing, and what it is to become: the exact picture of the thing with the drawing's proportions, at its place."""

    drawn: Image.Image
    exact: Image.Image
    colour: str | None  # The name of the background's colour, if it is one colour that has a name.


def pair(drawn, exact, size, rng):
    """Returns a pair from the two pictures of rough_and_exact()."""
    drawn, exact = placed_alike((drawn, exact), random_placement(rng), size)
    behind = visible_background(rng, size, drawn, exact)
    return Pair(over(behind, drawn), over(behind, exact), scenes.colour_name(behind))


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
