#!/usr/bin/env python3
"""Measures what Python adds to a frame, and how long the package takes to start.

    PYTHONPATH=build/python-package python bench/python/frame_cost.py build/bench_frames [--side 256] [--frames 300] [--rounds 5]

Python and C++ take turns, each in a process of its own. Of both, the time of a step beside autoencoder and UNet is compared, which
varies less than the whole step and is where Python adds to it. The start is that of fresh interpreters.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time

WARM_UP = 10
IMPORT = "import time; start = time.perf_counter(); import streamdiffusion_cpp as sd; print(time.perf_counter() - start)"
FIRST_IMAGE = """
import sys, time
begin = time.perf_counter()
import streamdiffusion_cpp as sd
sd.Stream(sd.Model.load(), prompt="red apple", strength=1, steps=1).generate_image()
print(time.perf_counter() - begin)
"""


def measure_frames(side: int, frames: int) -> dict[str, float]:
    """Returns the median microseconds of a step in this process, as bench_frames prints them."""
    import numpy as np
    import streamdiffusion_cpp as sd

    stream = sd.Stream(sd.Model.load(device="cpu"), width=side, height=side, prompt="red apple", t_index_list=[32])
    image = np.zeros((side, side, 3), np.uint8)
    steps, others = [], []

    def network_seconds() -> float:
        done = stream.statistics
        return done.encode_seconds + done.unet_seconds + done.decode_seconds

    for index in range(WARM_UP + frames):
        before = network_seconds()
        start = time.perf_counter()
        stream.step(image)
        taken = time.perf_counter() - start
        if index >= WARM_UP:
            steps.append(taken * 1e6)
            others.append((taken - network_seconds() + before) * 1e6)
    return {"step": statistics.median(steps), "beside": statistics.median(others)}


def run(*command: object) -> str:
    return subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True).stdout


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", nargs="?", help="the program bench_frames")
    parser.add_argument("--side", type=int, default=256, help="width and height of the frames")
    parser.add_argument("--frames", type=int, default=300, help="frames of a round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--here", action="store_true", help="measures frames in this process alone, and prints JSON")
    options = parser.parse_args()
    if options.here:
        print(json.dumps(measure_frames(options.side, options.frames)))
        return
    if options.program is None:
        parser.error("give the program bench_frames")
    import streamdiffusion_cpp as sd

    python, native = [], []
    for _ in range(options.rounds):
        native.append(json.loads(run(options.program, sd.DEFAULT_MODEL, options.side, options.frames)))
        python.append(json.loads(run(sys.executable, __file__, "--here", "--side", options.side, "--frames", options.frames)))
    for name, rounds in (("C++", native), ("Python", python)):
        step, beside = (min(one[key] for one in rounds) for key in ("step", "beside"))
        print(f"{name}: a step {step / 1000:.3f} ms, beside the networks {beside / 1000:.4f} ms")
    added = min(one["beside"] for one in python) - min(one["beside"] for one in native)
    print(f"Python adds {added / 1000:.4f} ms to a frame of {options.side}x{options.side}")
    for name, program in (("import", IMPORT), ("first image", FIRST_IMAGE)):
        times = [float(run(sys.executable, "-c", program)) for _ in range(options.rounds)]
        print(f"{name}: {min(times):.3f} s (median {statistics.median(times):.3f} s)")


if __name__ == "__main__":
    main()
