#!/usr/bin/env bash
# FFmpeg writes the last frame of an animated PNG or WebP with the duration of the frame before it, though GIF keeps it.
#
# Version:   ffmpeg 7.0.2 (the program in imageio-ffmpeg 0.6.0), Pillow 12.0.0.
# Guess:     a GIF of five frames, of which the last is shown for two seconds, has the same delays as an animated PNG or WebP.
# Behaviour: GIF to GIF keeps 100, 100, 100, 100 and 2000 ms. APNG and WebP get 100 ms for all five, without a warning. APNG's muxer
#            has an option for it (final_delay), which the program does not set from the frame's duration.
# Meets us:  animations that pause on their last frame loop at once after they are redrawn in one of these formats.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/python"
"$folder/python/bin/pip" install --quiet --disable-pip-version-check imageio-ffmpeg==0.6.0 pillow==12.0.0

cd "$folder"
python/bin/python - <<'END_OF_PYTHON'
import subprocess

import imageio_ffmpeg
from PIL import Image

DELAYS = [100, 100, 100, 100, 2000]


def read_delays(path):
    with Image.open(path) as animation:
        delays = []
        for frame in range(animation.n_frames):
            animation.seek(frame)
            animation.load()
            delays.append(round(animation.info["duration"]))
        return delays


images = [Image.new("RGB", (32, 32), (50 * i, 0, 0)) for i in range(len(DELAYS))]
images[0].save("in.gif", save_all=True, append_images=images[1:], duration=DELAYS, loop=0)
assert read_delays("in.gif") == DELAYS
for output, options in [("out.gif", []), ("out.apng", []), ("out.webp", ["-c:v", "libwebp_anim"])]:
    program = imageio_ffmpeg.get_ffmpeg_exe()
    log = subprocess.run([program, "-v", "warning", "-i", "in.gif", *options, output], check=True, capture_output=True).stderr
    delays = read_delays(output)
    print(output, delays, log.decode().strip() or "no warning")
    assert delays == (DELAYS if output == "out.gif" else [100] * 5)
END_OF_PYTHON
echo "As described: the last frame's duration is lost in APNG and WebP."
