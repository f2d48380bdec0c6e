#!/usr/bin/env bash
# FFmpeg's reader of raw H.264 takes the option "framerate" and ignores it if the stream names a rate of its own.
#
# Version:   PyAV 18.1.0 (with FFmpeg 8.1).
# Guess:     as for raw video and images, the option decides when the frames are shown; a name that says nothing else would be refused.
# Behaviour: a stream with timing in its parameter sets (x264 writes it by default) is said to have 25 frames per second whatever is
#            asked for, without a warning. Motion JPEG has the rate of the option.
# Meets us:  `--input-rate` for a recording that a camera wrote without a container had no effect, and now costs a warning.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/python"
"$folder/python/bin/pip" install --quiet --disable-pip-version-check av==18.1.0 numpy==2.3.4

cd "$folder"
python/bin/python - <<'END_OF_PYTHON'
import av
import numpy as np


def write(path, container_format, codec, options, pixels):
    with av.open(path, "w", format=container_format) as output:
        stream = output.add_stream(codec, rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = 64, 64, pixels
        for i in range(30):
            frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 8 * i, np.uint8), format="rgb24")
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))


def read_rate(path, container_format):
    with av.open(path, format=container_format, options={"framerate": "10"}) as container:
        return container.streams.video[0].guessed_rate


write("timed.h264", "h264", "libx264", {"bframes": "0"}, "yuv420p")
write("untimed.mjpeg", "mjpeg", "mjpeg", {}, "yuvj420p")
timed, untimed = read_rate("timed.h264", "h264"), read_rate("untimed.mjpeg", "mjpeg")
print("asked for 10: H.264 with timing", timed, "Motion JPEG", untimed)
assert timed == 25, timed
assert untimed == 10, untimed
END_OF_PYTHON
echo "As described: the option is taken and has no effect on H.264 that names its rate."
