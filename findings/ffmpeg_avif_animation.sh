#!/usr/bin/env bash
# FFmpeg's first video stream of an animated AVIF is a still image; the animation is the second stream.
#
# Version:   PyAV 18.1.0 (with FFmpeg 8.1), Pillow 12.0.0, which writes the file.
# Guess:     the file's video, which players of FFmpeg's default choice show, is the animation.
# Behaviour: stream 0 has one frame, the primary image, and stream 1 has them all. Whoever decodes the first video stream, as most
#            Python programs do, gets a still.
# Meets us:  animations that today's browsers and Pillow write would become one frame if the first stream were read.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/python"
"$folder/python/bin/pip" install --quiet --disable-pip-version-check av==18.1.0 pillow==12.0.0

cd "$folder"
python/bin/python - <<'END_OF_PYTHON'
import av
from PIL import Image

images = [Image.new("RGB", (64, 64), (50 * i, 0, 0)) for i in range(5)]
images[0].save("in.avif", save_all=True, append_images=images[1:], duration=100)
with Image.open("in.avif") as animation:
    assert animation.n_frames == 5
with av.open("in.avif") as container:
    streams = len(container.streams.video)
counts = []
for index in range(streams):
    with av.open("in.avif") as container:
        counts.append(sum(1 for _ in container.decode(video=index)))
print("frames of each video stream:", counts)
assert counts == [1, 5], counts
END_OF_PYTHON
echo "As described: the first video stream is a still, the second one the animation."
