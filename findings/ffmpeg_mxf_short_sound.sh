#!/usr/bin/env bash
# FFmpeg's MXF muxer leaves out the video that goes on after the sound has ended, and reports no error.
#
# Version:   PyAV 18.1.0 (FFmpeg 8.1, libavformat 62). FFmpeg 5.1 of Debian 12 does the same.
# Guess:     the file holds every packet that was muxed, as Matroska and QuickTime files do.
# Behaviour: of 50 video packets beside one second of sound, 25 are in the file. Muxing and closing succeed. MXF interleaves one
#            packet of each track in a content package, and the muxer drops packages that it cannot complete.
# Meets us:  recordings whose microphone was switched off early lose their end when they are redrawn as MXF, unless the sound is
#            filled up with silence.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/python"
"$folder/python/bin/pip" install --quiet --disable-pip-version-check av==18.1.0 numpy==2.3.5

FOLDER=$folder "$folder/python/bin/python" - <<'END_OF_PYTHON'
import os
from fractions import Fraction

import av
import numpy as np

RATE = 25


def encode_sound(stream, seconds):
    packets = []
    for i in range(seconds * RATE):
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 48000 // RATE), np.int16), format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = 48000, i * 48000 // RATE, Fraction(1, 48000)
        packets += stream.encode(frame)
    return packets + stream.encode(None)


def encode_video(stream, seconds):
    packets = []
    for i in range(seconds * RATE):
        frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 5 * i, np.uint8), format="rgb24")
        frame.pts = i
        packets += stream.encode(frame)
    return packets + stream.encode(None)


def write(container, seconds_of_sound):
    """How many video packets were muxed, and how many frames the file then has."""
    path = os.path.join(os.environ["FOLDER"], "video." + container)
    with av.open(path, "w") as out:
        video = out.add_stream("mpeg2video", rate=RATE)
        video.width = video.height = 64
        video.pix_fmt = "yuv420p"
        sound = out.add_stream("pcm_s16le", rate=48000, layout="mono")
        packets = encode_video(video, 2)
        muxed = len(packets)
        for packet in sorted(packets + encode_sound(sound, seconds_of_sound), key=lambda packet: packet.dts * packet.time_base):
            out.mux(packet)
    with av.open(path) as source:
        return muxed, sum(1 for _ in source.decode(video=0))


for container, seconds, expected in [("mkv", 1, 50), ("mov", 1, 50), ("mxf", 2, 50), ("mxf", 1, 25)]:
    muxed, read = write(container, seconds)
    print(f"{container}, {seconds} s of sound: {muxed} video packets muxed, {read} frames read")
    assert (muxed, read) == (50, expected)
END_OF_PYTHON
echo "As described: MXF ends with the sound."
