#!/usr/bin/env python3
"""Runs the original's examples/benchmark/single.py on the original and on this engine by turns, and prints the ratios.

    PYTHONPATH=build/python-package python bench/python/beside_original.py CHECKOUT [--rounds 3] [--iterations 20] [--side 512]

CHECKOUT is a checkout of https://github.com/cumulo-autumn/StreamDiffusion. The Python that runs this needs what
tools/run_original_examples needs. Both compute on the CPU. With --clock cpu, frames are counted by the time of the
processors in place of the clock's, which says more on a machine that does other work, too.
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import subprocess
import sys
from pathlib import Path

TOOL = Path(__file__).resolve().parents[2] / "tools/run_original_examples"
PROGRAM = "benchmark/single"
FIGURES = re.compile(r"([\d.]+) frames per second, ([\d.]+) MB of memory")
#: Lets both engines compute the model's own networks, without a LoRA.
SAME_NETWORKS = "--use_lcm_lora=False --use_tiny_vae=False"
#: Names of the engines, with the precision of ours.
ENGINES = {"original": None, "ours": "f32", "ours-int8": "int8"}


def measure(engine: str, options: argparse.Namespace) -> tuple[float, float]:
    """Returns the frames per second and the megabytes of one run."""
    command = [sys.executable, TOOL, options.checkout, "--only", PROGRAM, "--engine", "original" if engine == "original" else "ours"]
    command += ["--model", options.model, "--side", str(options.side), "--iterations", str(options.iterations), "--limit", "3600"]
    command += ["--arguments", SAME_NETWORKS]
    environment = {**os.environ, "BENCHMARK_CLOCK": options.clock, "STREAMDIFFUSION_DEVICE": "cpu"}
    if precision := ENGINES[engine]:
        environment["STREAMDIFFUSION_PRECISION"] = precision
    result = subprocess.run([str(part) for part in command], env=environment, capture_output=True, text=True, check=False)
    figures = FIGURES.search(result.stdout)
    if result.returncode != 0 or figures is None:
        sys.exit(f"{engine} failed:\n{result.stdout}{result.stderr}")
    return float(figures[1]), float(figures[2])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkout", help="folder of the original")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--iterations", type=int, default=20, help="frames of a round")
    parser.add_argument("--side", type=int, default=512, help="width and height of the frames")
    parser.add_argument("--model", default="default", help="default, random, or a diffusers folder")
    parser.add_argument("--clock", choices=["wall", "cpu"], default="wall")
    options = parser.parse_args()
    runs: dict[str, list[tuple[float, float]]] = {engine: [] for engine in ENGINES}
    for _ in range(options.rounds):
        for engine, done in runs.items():
            done.append(measure(engine, options))
    medians = {engine: [statistics.median(values) for values in zip(*done, strict=True)] for engine, done in runs.items()}
    rate, memory = medians["original"]
    unit = "frames per second" if options.clock == "wall" else "frames per second of processor time"
    for engine, (own_rate, own_memory) in medians.items():
        print(f"{engine}: {own_rate:.3f} {unit} ({own_rate / rate:.2f} times), {own_memory:.0f} MB (1/{memory / own_memory:.1f})")


if __name__ == "__main__":
    main()
