#!/usr/bin/env bash
# FFmpeg marks a whole packet as corrupt where two MPEG transport streams are joined.
#
# Version:   PyAV 18.1.0 (FFmpeg 8.1, libavformat 62).
# Guess:     the continuity counters begin anew at the joint, but every packet there was complete before it, so none is marked; or the
#            first one behind the joint is.
# Behaviour: all packets hold the bytes that they hold in the separate files. The last but one of the first file has
#            AV_PKT_FLAG_CORRUPT; the packets beside the joint have not.
# Meets us:  segments of HLS and recordings that were joined with `cat` are common and undamaged. A reader that drops what is marked
#            loses a good frame at each joint, and one that trusts the mark calls the file damaged.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/python"
"$folder/python/bin/pip" install --quiet --disable-pip-version-check av==18.1.0 numpy==2.3.5

cd "$folder"
python/bin/python - <<'END_OF_PYTHON'
from pathlib import Path

import av
import numpy as np


def write(path, first):
    with av.open(path, "w", format="mpegts") as out:
        stream = out.add_stream("libx264", rate=25)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        stream.options = {"bf": "0", "g": "10"}
        for i in range(first, first + 10):
            frame = av.VideoFrame.from_ndarray(np.random.default_rng(i).integers(0, 255, (64, 64, 3), dtype=np.uint8), format="rgb24")
            frame.pts = i
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))


def read(path):
    with av.open(path) as source:
        return [(packet.is_corrupt, bytes(packet)) for packet in source.demux(video=0) if packet.size]


write("1.ts", 0)
write("2.ts", 10)
Path("joined.ts").write_bytes(Path("1.ts").read_bytes() + Path("2.ts").read_bytes())
separate, joined = read("1.ts") + read("2.ts"), read("joined.ts")
marked = [i for i, (is_corrupt, _) in enumerate(joined) if is_corrupt]
same = [data for _, data in separate] == [data for _, data in joined]
print(f"{len(joined)} packets, the same bytes as apart: {same}; marked as corrupt: {marked}, apart: {sum(mark for mark, _ in separate)}")
assert len(joined) == 20 and same and marked == [8] and not any(mark for mark, _ in separate)
END_OF_PYTHON
echo "As described: a whole packet is marked as corrupt."
