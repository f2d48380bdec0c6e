#!/usr/bin/env python3
"""Times this program beside diffusers on torch and OpenVINO: same weights, same size, same threads, float32, the
engines taking turns in one run. Prints one table.

    pip install -r bench/peers/requirements.txt
    python tools/make_random_model.py sd-turbo FOLDER
    python bench/peers/compare.py FOLDER
"""
import argparse
import datetime
import json
import os
import platform
import shlex
import statistics
import subprocess
import sys
from pathlib import Path

from engines import MEASUREMENTS

HERE = Path(__file__).resolve().parent
WORKER = [sys.executable, str(HERE / "worker.py")]


class Engine:
    """A process that takes a measurement when asked."""

    def __init__(self, command, environment):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
        ready = self.answer()
        self.version, self.load_seconds = ready["ready"], ready["load_seconds"]

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"{shlex.join(self.process.args)} ended with status {self.process.wait()}")
        return json.loads(line)

    def measure(self, name):
        self.process.stdin.write(name + "\n")
        self.process.stdin.flush()
        return self.answer()

    def memory(self):
        """Peak resident memory and what is resident at the end without mapped files, in GB."""
        status = dict(line.split(":", 1) for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines())
        return [int(status[field].split()[0]) * 1024 / 1e9 for field in ("VmHWM", "RssAnon")]

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def start_engines(arguments):
    options = [arguments.model] + [f"--{name}={getattr(arguments, name)}" for name in ("width", "height", "rows", "threads", "seconds")]
    environment = dict(os.environ, OMP_NUM_THREADS=str(arguments.threads))
    converted = Path(arguments.converted or Path(arguments.model) / "openvino") / \
        f"{arguments.width}x{arguments.height}x{arguments.rows}"
    commands = {"ours": [arguments.program, *options, "--on-request"],
                "torch": [*WORKER, "torch", *options],
                "openvino": [*WORKER, "openvino", *options, f"--converted={converted}"]}
    if "openvino" in arguments.engines and not (converted / "vae_decode.xml").exists():
        subprocess.run([*WORKER, "openvino-convert", *options, f"--converted={converted}"], check=True)
    return {name: Engine(commands[name], environment) for name in arguments.engines}


def take_turns(engines, measurements, rounds):
    """Seconds by measurement and engine, and the arithmetic of each measurement; the first round warms up."""
    seconds = {name: {engine: [] for engine in engines} for name in measurements}
    gflop = {}
    for turn in range(rounds + 1):
        for name in measurements:
            order = list(engines)
            for engine in order[turn % len(order):] + order[:turn % len(order)]:
                answer = engines[engine].measure(name)
                gflop[name] = answer.get("gflop", gflop.get(name, 0))
                if turn > 0:
                    seconds[name][engine].append(answer["seconds"])
    return {name: {engine: statistics.median(s) for engine, s in by_engine.items()} for name, by_engine in seconds.items()}, gflop


def machine():
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    name = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())
    flags = next((line for line in lines if line.startswith("flags")), "")
    simd = next((s for s in ("avx512f", "avx2") if s in flags), "")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{name}, {os.cpu_count()} processors{f', {simd}' if simd else ''}, {memory:.0f} GiB"


def table(engines, seconds, gflop):
    """Rows of Markdown: seconds and GFLOP/s of each engine, and how many times as long as ours the others take."""
    first, *others = engines
    rows = [["", "GFLOP"] + [f"{e} s" for e in engines] + [f"{e} GFLOP/s" for e in engines] + [f"{e} / {first}" for e in others]]
    for name, by_engine in seconds.items():
        rows.append([name, f"{gflop[name]:.1f}"] + [f"{by_engine[e]:.4g}" for e in engines] +
                    [f"{gflop[name] / by_engine[e]:.0f}" for e in engines] +
                    [f"{by_engine[e] / by_engine[first]:.2f}" for e in others])
    blank = [""] * len(others)
    rows.append(["load", ""] + [f"{engines[e].load_seconds:.1f}" for e in engines] + [""] * len(engines) + blank)
    for label, index in (("peak resident GB", 0), ("anonymous GB at the end", 1)):
        rows.append([label, ""] + [f"{engines[e].memory()[index]:.2f}" for e in engines] + [""] * len(engines) + blank)
    rows.insert(1, ["---"] + ["---:"] * (len(rows[0]) - 1))
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="a diffusers folder")
    parser.add_argument("--width", type=int, default=512)
    parser.add_argument("--height", type=int, default=512)
    parser.add_argument("--rows", type=int, default=1, help="rows of a UNet call")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.5, help="time for each measurement in a round, at least one run")
    parser.add_argument("--engines", nargs="+", default=["ours", "torch", "openvino"], choices=["ours", "torch", "openvino"])
    parser.add_argument("--only", nargs="+", default=list(MEASUREMENTS), choices=MEASUREMENTS)
    parser.add_argument("--program", default=str(HERE.parent.parent / "build/bench_networks"), help="bench_networks")
    parser.add_argument("--converted", help="folder for OpenVINO's form of the networks (default: openvino/ in the model)")
    parser.add_argument("--markdown", type=Path, help="also write the table here")
    arguments = parser.parse_args()

    engines = start_engines(arguments)
    seconds, gflop = take_turns(engines, arguments.only, arguments.rounds)
    report = "\n".join([
        f"{Path(arguments.model).name}, {arguments.width}x{arguments.height}, {arguments.rows} "
        f"{'row' if arguments.rows == 1 else 'rows'}, float32, {arguments.threads} threads; median of {arguments.rounds} rounds.",
        "", f"{machine()}; {datetime.date.today()}; " + ", ".join(engine.version for engine in engines.values()) + ".",
        "", table(engines, seconds, gflop), ""])
    for engine in engines.values():
        engine.close()
    print(report)
    if arguments.markdown:
        arguments.markdown.write_text(report)
