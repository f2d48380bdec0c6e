#!/usr/bin/env bash
# FFmpeg shows a full-size frame of an animated PNG that is blended over the one before without what lies below it.
#
# Version:   PyAV 18.1.0 (with FFmpeg 8.1), Pillow 12.0.0, which writes the file and shows it as the PNG specification says.
# Guess:     a transparent frame with a small yellow square and the blend operation "over" shows the red image below the square, also
#            if its area is to be cleared after it.
# Behaviour: where that frame is cleared after it is shown (dispose to background), FFmpeg calls it a key frame and begins from nothing:
#            the red is missing. The first frame, which can always be decoded, is called no key frame.
# Meets us:  a reader that waits for the first key frame loses the first image of such animations.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/python"
"$folder/python/bin/pip" install --quiet --disable-pip-version-check av==18.1.0 pillow==12.0.0 numpy==2.3.4

cd "$folder"
python/bin/python - <<'END_OF_PYTHON'
import av
import numpy as np
from PIL import Image

RED = Image.new("RGBA", (64, 64), (200, 0, 0, 255))
frames = []
for i in range(3):
    frame = Image.new("RGBA", RED.size, (0, 0, 0, 0))
    frame.paste((255, 255, 0, 255), (16 * i, 0, 16 * i + 16, 16))
    frames.append(frame)
RED.save("in.png", save_all=True, append_images=frames, duration=100, disposal=[0, 1, 0, 0], blend=1)


def mean_colour(pixels):
    return np.asarray(pixels, dtype=float).mean((0, 1)).round().astype(int).tolist()


with Image.open("in.png") as animation:
    animation.seek(1)
    specified = mean_colour(animation.convert("RGBA"))
with av.open("in.png") as container:
    shown = [mean_colour(frame.to_ndarray(format="rgba")) for frame in container.decode(video=0)][1]
with av.open("in.png") as container:
    keys = [packet.is_keyframe for packet in container.demux(video=0) if packet.size][:2]
print("second frame by the specification:", specified, "as FFmpeg shows it:", shown, "key frames:", keys)
assert specified[0] > 200 and shown[0] < 50, (specified, shown)
assert keys == [False, True], keys
END_OF_PYTHON
echo "As described: what lies below the blended frame is missing, and the first frame is no key frame."
