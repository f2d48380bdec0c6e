#!/usr/bin/env python3
"""Makes README's animation, docs/first.webp: drawings, stroke by stroke, and the program's results.

    python3 tools/make_first_image.py build/streamdiffusion docs/first.webp

Needs Pillow. The results come from plain calls of `run FRAMES OUT --prompt ...`.
"""
import argparse
import subprocess
import tempfile
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

SIDE = 256
MARGIN = 12
CAPTION = 26
HOLD = 6  # Number of frames that show the finished drawing.
BACKGROUND = (24, 26, 31)


def circle(x, y, radius, colour):
    return lambda draw: draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)


def polygon(points, colour):
    return lambda draw: draw.polygon(points, fill=colour)


def line(points, colour, width):
    return lambda draw: draw.line(points, fill=colour, width=width, joint="curve")


def rectangle(box, colour):
    return lambda draw: draw.rectangle(box, fill=colour)


# Prompt, background colour and strokes of each drawing.
DRAWINGS = [
    ("red apple", "white", [
        circle(110, 150, 62, "#e03030"), circle(148, 150, 62, "#d82828"), circle(128, 170, 60, "#d02424"),
        line([(128, 96), (136, 50)], "#70482a", 12), polygon([(138, 66), (186, 38), (176, 76)], "#4caf50")]),
    ("cat face on a light blue background", "#96cdf5", [
        circle(128, 140, 84, "#f4b942"), polygon([(56, 110), (58, 26), (116, 66)], "#f4b942"),
        polygon([(200, 110), (198, 26), (140, 66)], "#f4b942"), circle(98, 128, 12, "#222222"),
        circle(158, 128, 12, "#222222"), polygon([(118, 152), (138, 152), (128, 166)], "#e07080"),
        line([(128, 166), (108, 182)], "#804020", 5), line([(128, 166), (148, 182)], "#804020", 5)]),
    ("smiling face with sunglasses on a purple background", "#823caa", [
        circle(128, 128, 96, "#f8c840"), rectangle((48, 92, 118, 132), "#202020"), rectangle((138, 92, 208, 132), "#202020"),
        line([(110, 100), (146, 100)], "#202020", 8), line([(84, 168), (106, 188), (150, 188), (172, 168)], "#804020", 8)]),
    ("tulip on a yellow background", "#fad732", [
        line([(128, 236), (128, 130)], "#3c9040", 14), polygon([(128, 230), (66, 150), (116, 180)], "#3c9040"),
        polygon([(128, 230), (190, 150), (140, 180)], "#3c9040"), circle(128, 88, 46, "#e04070"),
        polygon([(82, 88), (84, 20), (120, 60)], "#e04070"), polygon([(174, 88), (172, 20), (136, 60)], "#e04070")]),
]


def frames_of(paper, strokes):
    image = Image.new("RGB", (SIDE, SIDE), paper)
    for stroke in strokes:
        stroke(ImageDraw.Draw(image))
        for _ in range(2):
            yield image.copy()
    for _ in range(HOLD):
        yield image.copy()


def redrawn(arguments, frames, prompt, folder):
    drawn, results = folder / "drawn", folder / "redrawn"
    drawn.mkdir()
    for index, frame in enumerate(frames):
        frame.save(drawn / f"{index:03}.png")
    subprocess.run([arguments.program, "run", drawn, f"{results}/", "--prompt", prompt, "--width", str(SIDE), "--height", str(SIDE),
                    "--strength", arguments.strength, "--steps", arguments.steps, "--quiet"], check=True)
    return [Image.open(path).convert("RGB") for path in sorted(results.glob("*.png"))]


def side_by_side(drawing, result, prompt, font):
    frame = Image.new("RGB", (2 * SIDE + 3 * MARGIN, SIDE + 2 * MARGIN + CAPTION), BACKGROUND)
    frame.paste(drawing, (MARGIN, MARGIN))
    frame.paste(result, (SIDE + 2 * MARGIN, MARGIN))
    ImageDraw.Draw(frame).text((frame.width / 2, SIDE + MARGIN + CAPTION / 2 + 4), prompt, "#d8dbe2", font, "mm")
    return frame


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", type=Path)
    parser.add_argument("image", type=Path)
    parser.add_argument("--strength", default="0.6")
    parser.add_argument("--steps", default="2")
    arguments = parser.parse_args()
    font = ImageFont.load_default(16)
    animation = []
    for prompt, paper, strokes in DRAWINGS:
        frames = list(frames_of(paper, strokes))
        with tempfile.TemporaryDirectory() as folder:
            results = redrawn(arguments, frames, prompt, Path(folder))
        animation += [side_by_side(frame, result, prompt, font) for frame, result in zip(frames, results, strict=True)]
    animation[0].save(arguments.image, save_all=True, append_images=animation[1:], duration=160, loop=0, quality=80, method=6)


if __name__ == "__main__":
    main()
