#!/usr/bin/env python3
"""Runs one engine in a process of its own, started by compare.py. It reports when it is ready. Then it takes the
measurement named by each line of standard input and prints a JSON line, as bench_networks --on-request does."""
import argparse
import json
import statistics
import sys
import time

import engines
import pipelines


def make_engine(arguments):
    shape = (arguments.model, arguments.width, arguments.height, arguments.rows, arguments.threads)
    kind, _, precision = arguments.engine.partition("-")
    if kind == "openvino":
        return engines.OpenVino(*shape, arguments.converted, precision)
    return {"torch": engines.Torch, "original": pipelines.Original, "autopipeline": pipelines.AutoPipeline}[kind](*shape)


def median_seconds(engine, name, limit):
    """Returns the median time of as many runs as fit into `limit` seconds, at least one."""
    seconds = []
    while not seconds or sum(seconds) < limit:
        start = time.perf_counter()
        engine.run(name)
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("engine", choices=("torch", "original", "autopipeline", "openvino-f32", "openvino-auto",
                                           "openvino-int8", "convert", "quantize"))
    parser.add_argument("model")
    parser.add_argument("--width", type=int, default=512)
    parser.add_argument("--height", type=int, default=512)
    parser.add_argument("--rows", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=0.5, help="time for each measurement")
    parser.add_argument("--converted", help="where OpenVINO's form of the networks is")
    arguments = parser.parse_args()
    answers, sys.stdout = sys.stdout, sys.stderr  # Keeps prints of libraries out of the answers.

    def say(**line):
        print(json.dumps(line), file=answers, flush=True)

    if arguments.engine == "convert":
        engines.OpenVino.convert(arguments.model, arguments.width, arguments.height, arguments.rows, arguments.converted)
    elif arguments.engine == "quantize":
        engines.OpenVino.quantize(arguments.converted)
    else:
        start = time.perf_counter()
        engine = make_engine(arguments)
        say(ready=engine.version, load_seconds=time.perf_counter() - start)
        for line in sys.stdin:
            say(measurement=line.strip(), seconds=median_seconds(engine, line.strip(), arguments.seconds))
