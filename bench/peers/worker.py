#!/usr/bin/env python3
"""One engine in a process of its own: says when it is ready, then takes the measurement that each line of standard
input names and prints one JSON line for it, as bench_networks --on-request does. Started by compare.py."""
import argparse
import json
import statistics
import sys
import time

import engines


def say(**line):
    print(json.dumps(line), flush=True)


def median_seconds(engine, name, limit):
    """The median over as many runs as fit into the time, at least one."""
    seconds = []
    while not seconds or sum(seconds) < limit:
        start = time.perf_counter()
        engine.run(name)
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("engine", choices=("torch", "openvino", "openvino-convert"))
    parser.add_argument("model")
    parser.add_argument("--width", type=int, default=512)
    parser.add_argument("--height", type=int, default=512)
    parser.add_argument("--rows", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=0.5, help="time for each measurement")
    parser.add_argument("--converted", help="where OpenVINO's form of the networks is")
    arguments = parser.parse_args()
    shape = (arguments.model, arguments.width, arguments.height, arguments.rows, arguments.threads)
    start = time.perf_counter()
    if arguments.engine == "openvino-convert":
        engines.OpenVino.convert(*shape, arguments.converted)
        sys.exit(0)
    engine = engines.Torch(*shape) if arguments.engine == "torch" else engines.OpenVino(*shape, arguments.converted)
    say(ready=engine.version, load_seconds=time.perf_counter() - start)
    for line in sys.stdin:
        say(measurement=line.strip(), seconds=median_seconds(engine, line.strip(), arguments.seconds))
