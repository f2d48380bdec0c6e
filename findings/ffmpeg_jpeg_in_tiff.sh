#!/usr/bin/env bash
# FFmpeg decodes JPEG-compressed TIFF as a black image and reports no error.
#
# Version:   PyAV 18.1.0 (FFmpeg 8.1, libavcodec 62.28), Pillow 12.0.0. FFmpeg 5.1 of Debian 12 does the same.
# Guess:     compression 7 of TIFF is decoded, or refused as "not supported" as some others are.
# Behaviour: decoding returns a frame of the right size and format whose pixels are all zero. Pillow and libtiff read the image.
# Meets us:  scanners and photo archives write JPEG-compressed TIFF; an image reader on FFmpeg shows black for them.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/python"
"$folder/python/bin/pip" install --quiet --disable-pip-version-check av==18.1.0 numpy==2.3.5 pillow==12.0.0

FOLDER=$folder "$folder/python/bin/python" - <<'END'
import os

import av
import numpy as np
from PIL import Image

path = os.path.join(os.environ["FOLDER"], "red.tif")


def read(compression):
    """The image as Pillow and as FFmpeg read it."""
    Image.new("RGB", (32, 32), (200, 50, 50)).save(path, compression=compression)
    with av.open(path) as source:
        frames = [frame.to_ndarray(format="rgb24") for frame in source.decode(video=0)]
    return np.asarray(Image.open(path)), frames


for compression in ("tiff_lzw", "jpeg"):
    pillow, frames = read(compression)
    print(f"{compression}: Pillow {pillow[5, 5]}, FFmpeg {len(frames)} frame(s), {frames[0][5, 5]}")
    assert np.abs(pillow.astype(int) - (200, 50, 50)).max() <= 3
    assert len(frames) == 1 and frames[0].shape == pillow.shape
    assert (frames[0].max() == 0) == (compression == "jpeg")
END
echo "As described: JPEG in TIFF is black."
