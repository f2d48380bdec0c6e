#!/usr/bin/env bash
# FFmpeg's VP8 decoder overwrites the colour that the WebM file states, so browser recordings lose their colours.
#
# Version:   PyAV 18.1.0 (FFmpeg 8.1, libavcodec 62.28) and opencv-python-headless 5.0.0.93.
# Guess:     VP8's bitstream has one bit for the colour space and says nothing of BT.709 or full range. So Matroska's Colour
#            element decides, as it does for VP9.
# Behaviour: the demuxer reads the Colour element (BT.709, full range). When the decoder starts, codec context and frames say BT.601
#            and limited range. PyAV and OpenCV convert by that: red 200,50,50 becomes about 195,21,41. The same pixels in VP9
#            come out right.
# Meets us:  Chromium's MediaRecorder writes canvas recordings in VP8 as full-range BT.709.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/python"
"$folder/python/bin/pip" install --quiet --disable-pip-version-check av==18.1.0 numpy==2.3.5 opencv-python-headless==5.0.0.93

FOLDER=$folder "$folder/python/bin/python" - <<'END'
import os

import av
import cv2

BT709, FULL_RANGE = 1, 2
BT601_625, LIMITED_RANGE = 5, 1


def write_red(path, encoder):
    """Five frames of RGB 200, 50, 50 as full-range BT.709; the Colour element of the file says so."""
    red, green, blue = 200, 50, 50
    luma = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    planes = [luma, 128 + (blue - luma) / 1.8556, 128 + (red - luma) / 1.5748]
    with av.open(path, "w", format="webm") as output:
        stream = output.add_stream(encoder, rate=25)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        context = stream.codec_context
        context.color_range, context.colorspace = FULL_RANGE, BT709
        context.color_primaries, context.color_trc = 1, 1
        context.bit_rate = 1_000_000
        for _ in range(5):
            frame = av.VideoFrame(64, 64, "yuv420p")
            frame.color_range, frame.colorspace = FULL_RANGE, BT709
            for plane, value in zip(frame.planes, planes):
                plane.update(bytes([round(value)]) * plane.buffer_size)
            output.mux(stream.encode(frame))
        output.mux(stream.encode())


def read(path):
    """Colour as the demuxer read it, colour of a decoded frame, its RGB by PyAV and by OpenCV."""
    with av.open(path) as source:
        stream = source.streams.video[0]
        stated = (stream.codec_context.colorspace, stream.codec_context.color_range)
        frame = next(source.decode(stream))
        pixel = frame.to_ndarray(format="rgb24")[32, 32].tolist()
    image = cv2.VideoCapture(path).read()[1][32, 32][::-1].tolist()
    return stated, (frame.colorspace, frame.color_range), pixel, image


results = {}
for name, encoder in (("vp8", "libvpx"), ("vp9", "libvpx-vp9")):
    path = os.path.join(os.environ["FOLDER"], name + ".webm")
    write_red(path, encoder)
    results[name] = read(path)
    print(name, "file (matrix, range), frame, PyAV's RGB, OpenCV's RGB:", *results[name])

stated, decoded, pixel, image = results["vp8"]
assert stated == (BT709, FULL_RANGE)
assert tuple(map(int, decoded)) == (BT601_625, LIMITED_RANGE)
assert pixel[1] < 30 and image[1] < 30
stated, decoded, pixel, image = results["vp9"]
assert tuple(map(int, decoded)) == (BT709, FULL_RANGE)
assert abs(pixel[1] - 50) < 6 and abs(image[1] - 50) < 6
END
echo "As described: VP8's decoder overwrites the container's colour."
