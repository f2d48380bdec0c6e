#!/usr/bin/env python3
"""Draws examples/demo.mp4: a roughly drawn apple that sways and bounces on white, for the quick start to redraw.

    python3 tools/make_demo_video.py examples/demo.mp4

Needs Pillow and the ffmpeg program.
"""

import argparse
import math
import subprocess

from PIL import Image, ImageDraw

SIZE = 128
OVERSAMPLING = 4
FRAME_RATE = 20
FRAMES = 70

RED = (205, 32, 38)
LIGHT = (240, 110, 100)
BROWN = (110, 70, 35)
GREEN = (70, 150, 50)
SHADOW = (232, 232, 232)


def apple_outline(wobble):
    """Returns the outline of an apple of radius 1 around the origin: a circle with a dent on top and a flatter bottom."""
    points = []
    for step in range(72):
        angle = 2 * math.pi * step / 72
        dent = 0.24 * math.exp(-((angle - math.pi / 2) / 0.4) ** 2)
        foot = 0.10 * math.exp(-((angle - 3 * math.pi / 2) / 0.3) ** 2)
        hand = 0.012 * math.sin(3 * angle + wobble) + 0.008 * math.sin(7 * angle - wobble)
        radius = 1 - dent - foot + hand
        points.append((1.05 * radius * math.cos(angle), -radius * math.sin(angle)))
    return points


def leaf_outline(sway):
    """Returns the outline of a leaf at the stem's end."""
    upper = [(t, -0.20 * math.sin(math.pi * t)) for t in (i / 12 for i in range(13))]
    lower = [(t, 0.14 * math.sin(math.pi * t)) for t in (i / 12 for i in range(12, -1, -1))]
    turn = math.radians(-28 + 14 * math.sin(sway))
    return [
        (0.06 + 0.55 * (x * math.cos(turn) - y * math.sin(turn)), -1.02 + 0.55 * (x * math.sin(turn) + y * math.cos(turn)))
        for x, y in upper + lower
    ]


def draw_frame(index):
    phase = 2 * math.pi * index / FRAMES
    side = SIZE * OVERSAMPLING
    image = Image.new("RGB", (side, side), "white")
    draw = ImageDraw.Draw(image)

    center_x = side * (0.5 + 0.13 * math.sin(phase))
    center_y = side * (0.56 - 0.05 * abs(math.sin(2 * phase)))
    radius = side * (0.31 + 0.02 * math.sin(2 * phase))
    tilt = math.radians(12) * math.sin(phase + 0.6)

    def placed(points):
        return [
            (
                center_x + radius * (x * math.cos(tilt) - y * math.sin(tilt)),
                center_y + radius * (x * math.sin(tilt) + y * math.cos(tilt)),
            )
            for x, y in points
        ]

    floor = side * 0.9
    draw.ellipse((center_x - radius * 0.8, floor - side * 0.03, center_x + radius * 0.8, floor + side * 0.03), fill=SHADOW)
    wobble = 0.5 * (index // 4)  # The outline changes every four frames, as if it were drawn anew.
    draw.polygon(placed(apple_outline(wobble)), fill=RED)
    shine = [(-0.42 + 0.17 * math.cos(a), -0.32 + 0.25 * math.sin(a)) for a in (i * math.pi / 12 for i in range(24))]
    draw.polygon(placed(shine), fill=LIGHT)
    stem = placed([(0, -0.68), (0.02, -0.9), (0.08, -1.08)])
    draw.line(stem, fill=BROWN, width=round(radius * 0.1), joint="curve")
    draw.polygon(placed(leaf_outline(2 * phase)), fill=GREEN)
    return image.resize((SIZE, SIZE), Image.Resampling.LANCZOS)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output")
    output = parser.parse_args().output
    encoder = subprocess.Popen(
        ["ffmpeg", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{SIZE}x{SIZE}"]
        + ["-r", str(FRAME_RATE), "-i", "-", "-vf", "scale=out_color_matrix=bt709:out_range=tv,format=yuv420p"]
        + ["-c:v", "libx264", "-preset", "slow", "-crf", "20", "-colorspace", "bt709", "-color_primaries", "bt709"]
        + ["-color_trc", "bt709", "-color_range", "tv", "-movflags", "+faststart", "-fflags", "+bitexact", output],
        stdin=subprocess.PIPE,
    )
    for index in range(FRAMES):
        encoder.stdin.write(draw_frame(index).tobytes())
    encoder.stdin.close()
    if encoder.wait() != 0:
        raise SystemExit("ffmpeg failed")


if __name__ == "__main__":
    main()
