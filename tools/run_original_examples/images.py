"""Images and videos that the programs are given, and checks of those that they make."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw
from running import Failed


def drawing(index: int, side: int) -> Image.Image:
    """Returns a drawing of a red disc on blue, whose place depends on the index."""
    image = Image.new("RGB", (side, side), (60, 90, 200))
    left = side * (2 + index % 5) // 12
    ImageDraw.Draw(image).ellipse((left, side // 4, left + side // 2, side * 3 // 4), fill=(210, 40, 50))
    return image


def write_drawings(folder: Path, count: int, side: int) -> Path:
    """Writes drawings as PNG files. Returns the folder."""
    folder.mkdir(parents=True)
    for index in range(count):
        drawing(index, side).save(folder / f"{index:02}.png")
    return folder


def write_video(file: Path, frames: int, side: int) -> None:
    """Writes drawings as a video."""
    import av

    with av.open(str(file), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.height = stream.width = side
        for index in range(frames):
            container.mux(stream.encode(av.VideoFrame.from_image(drawing(index, side))))
        container.mux(stream.encode())


def is_drawn(image: Image.Image) -> bool:
    """True if an image is no plain surface."""
    return float(np.asarray(image.convert("RGB"), np.float32).std()) > 4


def require_image(file: Path, side: int) -> None:
    """Raises Failed unless the file is a square image with something on it."""
    if not file.is_file():
        raise Failed(f"{file} is missing")
    with Image.open(file) as image:
        if image.size != (side, side) or not is_drawn(image):
            raise Failed(f"{file} is a plain surface or not of {side}x{side} pixels")


def require_video(file: Path, frames: int, side: int) -> None:
    """Raises Failed unless the file is a video of so many square images with something on them."""
    import av

    if not file.is_file():
        raise Failed(f"{file} is missing")
    with av.open(str(file)) as container:
        shown = [frame.to_image() for frame in container.decode(video=0)]
    if len(shown) != frames or any(image.size != (side, side) or not is_drawn(image) for image in shown):
        raise Failed(f"{file} has {len(shown)} frames, {frames} with something on them were to be made")


def require_same_images(folder: Path, others: Path) -> float:
    """Raises Failed unless 99.9% of the values of each PNG image in `folder` are within one level of 255 of those of
    the image of the same name in `others`. Returns the smallest share that is."""
    shares = []
    for file in sorted(folder.rglob("*.png")):
        other = others / file.relative_to(folder)
        if "inputs" in file.parts or not other.is_file():
            continue
        difference = np.abs(np.asarray(Image.open(file), int) - np.asarray(Image.open(other), int))
        shares.append(float((difference <= 1).mean()))
        if shares[-1] < 0.999:
            raise Failed(f"{file} differs from {other} in {1 - shares[-1]:.2%} of its values, by up to {difference.max()} levels")
    if not shares:
        raise Failed(f"{others} has none of the images in {folder}")
    return min(shares)
