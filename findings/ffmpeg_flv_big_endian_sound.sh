#!/usr/bin/env bash
# FFmpeg writes big-endian PCM into FLV without a complaint, and reads it back as little-endian noise.
#
# Version:   PyAV 18.1.0 (FFmpeg 8.1, libavformat 62.12), numpy 2.3.5. FFmpeg 5.1 of Debian 12 does the same.
# Guess:     FLV's tag knows "platform endian" and "little endian" 16-bit PCM. So the muxer swaps the bytes of
#            pcm_s16be, or refuses it, as it refuses other codecs.
# Behaviour: the muxer takes pcm_s16be and stores its bytes as they are under the tag that the demuxer reads as pcm_s16le.
#            A sine comes back as noise. avformat_query_codec says that FLV takes the codec.
# Meets us:  a program that copies sound where "the container takes the codec" turns a QuickTime recording's sound into noise.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/python"
"$folder/python/bin/pip" install --quiet --disable-pip-version-check av==18.1.0 numpy==2.3.5

FOLDER=$folder "$folder/python/bin/python" - <<'END'
import os

import av
import numpy as np

RATE = 44100
sine = (20000 * np.sin(np.arange(RATE) / 10)).astype(np.int16)


def write_and_read(codec):
    """The name of the codec that is read back, and its samples."""
    path = os.path.join(os.environ["FOLDER"], codec + ".flv")
    with av.open(path, "w") as output:
        stream = output.add_stream(codec, rate=RATE, layout="mono")
        frame = av.AudioFrame.from_ndarray(sine[None], format="s16", layout="mono")
        frame.sample_rate = RATE
        output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    with av.open(path) as source:
        samples = np.concatenate([part.to_ndarray().ravel() for part in source.decode(audio=0)])
        return source.streams.audio[0].codec_context.name, samples


name, samples = write_and_read("pcm_s16le")
print("pcm_s16le is read as", name, samples[:5], "written", sine[:5])
assert name == "pcm_s16le" and np.array_equal(samples, sine)

name, samples = write_and_read("pcm_s16be")
print("pcm_s16be is read as", name, samples[:5], "written", sine[:5])
assert name == "pcm_s16le" and np.array_equal(samples, sine.byteswap())
END
echo "As described: the bytes of big-endian samples are not swapped."
