#!/usr/bin/env python3
"""Times this program and its peers with the same weights, size and threads, taking turns in one run.

    networks  text encoder, UNet, autoencoder and the whole frame: diffusers on torch; OpenVINO in float32, in the
              precision that it chooses, and in int8
    steps     the paper's Table 1: the original StreamDiffusion and diffusers' AutoPipelineForImage2Image
    guidance  the paper's Table 2: the original

Prints tables, and writes them as JSON, Markdown and a plot if asked to.

    pip install -r bench/peers/requirements.txt && pip install --no-deps streamdiffusion==0.1.1
    python tools/make_random_model.py sd-turbo FOLDER
    python bench/peers/compare.py FOLDER --json peers.json --markdown peers.md --plot peers.svg
"""
import argparse
import datetime
import json
import os
import platform
import shlex
import subprocess
import sys
from pathlib import Path

import report
from engines import MEASUREMENTS

HERE = Path(__file__).resolve().parent
WORKER = [sys.executable, str(HERE / "worker.py")]
ENGINES = ("ours", "ours-int8", "ours-bf16", "torch", "openvino-f32", "openvino-auto", "openvino-int8", "original",
           "autopipeline")
# Environment variables that hold peers to an instruction set. oneDNN, which torch and OpenVINO contain, and torch read them.
INSTRUCTION_SETS = {"avx2": {"ONEDNN_MAX_CPU_ISA": "AVX2", "ATEN_CPU_CAPABILITY": "avx2"},
                    "avx512_vnni": {"ONEDNN_MAX_CPU_ISA": "AVX512_CORE_VNNI"}}
STEPS = (1, 2, 4, 10)
TABLES = {
    "networks": MEASUREMENTS,
    "steps": tuple(f"{kind}/{n}" for kind in ("steps", "text") for n in STEPS),
    "guidance": tuple(f"guidance/{kind}/{n}" for n in range(1, 6) for kind in ("none", "self", "initialize", "full")),
}


def can_measure(engine, name):
    """True if an engine can take a measurement, judged by their names."""
    kind = engine.partition("-")[0]
    if kind == "ours":
        return True
    if kind == "autopipeline":
        return name.startswith("steps/")
    return ("/" in name) == (kind == "original")


class Engine:
    """A process of an engine that takes measurements on request."""

    def __init__(self, command, environment):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
        ready = self.answer()
        self.version, self.load_seconds = ready["ready"], ready["load_seconds"]
        self.measure("frame")  # Memory is read with all that a stream needs, before other measurements add to it.
        self.memory = self.read_memory()

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"{shlex.join(self.process.args)} ended with status {self.process.wait()}")
        return json.loads(line)

    def measure(self, name):
        self.process.stdin.write(name + "\n")
        self.process.stdin.flush()
        return self.answer()

    def read_memory(self):
        """Returns peak resident memory and resident memory without mapped files, in GB."""
        status = dict(line.split(":", 1) for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines())
        peak, anonymous = (int(status[field].split()[0]) * 1024 / 1e9 for field in ("VmHWM", "RssAnon"))
        return {"peak_gb": peak, "anonymous_gb": anonymous}

    def about(self):
        return {"version": self.version, "load_seconds": self.load_seconds, **self.memory}

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def shape_options(arguments):
    return [arguments.model] + [f"--{name}={getattr(arguments, name)}" for name in ("width", "height", "rows", "threads", "seconds")]


def converted_folder(arguments):
    folder = Path(arguments.converted or Path(arguments.model) / "openvino")
    return folder / f"{arguments.width}x{arguments.height}x{arguments.rows}"


def prepare_openvino(arguments):
    """Converts the networks to OpenVINO's format if they are needed and missing."""
    converted = converted_folder(arguments)
    for job, form, wanted in (("convert", "f32", any(e.startswith("openvino") for e in arguments.engines)),
                              ("quantize", "int8", "openvino-int8" in arguments.engines)):
        if wanted and not (converted / form / "vae_encode.xml").exists():
            subprocess.run([*WORKER, job, *shape_options(arguments), f"--converted={converted}"], check=True)


def start_engine(name, arguments):
    environment = dict(os.environ, OMP_NUM_THREADS=str(arguments.threads), HF_HUB_OFFLINE="1")
    kind, _, precision = name.partition("-")
    options = shape_options(arguments)
    environment.update(INSTRUCTION_SETS.get(arguments.instruction_set, {}))
    if kind == "ours":
        device = f"cpu:{arguments.instruction_set}" if arguments.instruction_set else "cpu"
        command = [arguments.program, *options, f"--device={device}", f"--precision={precision or 'f32'}", "--on-request"]
    else:
        command = [*WORKER, name, *options, f"--converted={converted_folder(arguments)}"]
    return Engine(command, environment)


def groups_of(names, pairs):
    """Groups the engines that run together: all, or with `pairs` (for little memory) each peer with ours only."""
    ours = [name for name in names if name.startswith("ours")]
    peers = [name for name in names if name not in ours]
    return [[*ours, peer] for peer in peers] if pairs and peers else [names]


def is_wanted(name, arguments):
    steps = name.rpartition("/")[2]
    return ((not steps.isdigit() or int(steps) <= arguments.most_steps)
            and (not arguments.only or name in arguments.only))


def measured_together(group, table, arguments):
    """Returns a table's measurements, without those that no peer in the group can take."""
    peers = [engine for engine in group if not engine.startswith("ours")]
    return [name for name in TABLES[table]
            if is_wanted(name, arguments) and any(can_measure(engine, name) for engine in peers or group)]


def take_turns(engines, names, rounds):
    """Returns the seconds of all runs by measurement and engine, and GFLOP by measurement. The first round warms up."""
    runs, gflop = {}, {}
    for turn in range(rounds + 1):
        for name in names:
            order = [engine for engine in engines if can_measure(engine, name)]
            for engine in order[turn % len(order):] + order[:turn % len(order)]:
                answer = engines[engine].measure(name)
                gflop[name] = answer.get("gflop", gflop.get(name))
                if turn > 0:
                    runs.setdefault(name, {}).setdefault(engine, []).append(answer["seconds"])
    return runs, gflop


def machine(instruction_set):
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    name = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())
    flags = next((line for line in lines if line.startswith("flags")), "").split()
    simd = [s for s in ("avx2", "avx_vnni", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "amx_int8") if s in flags]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    held = f", held to {instruction_set}" if instruction_set else ""
    return f"{name}, {os.cpu_count()} processors ({' '.join(simd)}{held}), {memory:.0f} GiB"


def compare(arguments):
    """Takes all measurements and returns them as they are written to JSON."""
    results = {"about": {"model": Path(arguments.model).name, "width": arguments.width, "height": arguments.height,
                         "rows": arguments.rows, "threads": arguments.threads, "rounds": arguments.rounds,
                         "pairs": arguments.pairs, "machine": machine(arguments.instruction_set), "date": str(datetime.date.today())},
               "engines": {}, "tables": {table: {} for table in arguments.tables}}
    for group in groups_of(arguments.engines, arguments.pairs):
        wanted = {table: measured_together(group, table, arguments) for table in arguments.tables}
        taking_part = [e for e in group if any(can_measure(e, name) for names in wanted.values() for name in names)]
        engines = {e: start_engine(e, arguments) for e in taking_part}
        for name, engine in engines.items():
            results["engines"].setdefault(name, engine.about())
        for table, names in wanted.items():
            runs, gflop = take_turns(engines, names, arguments.rounds)
            report.add_runs(results["tables"][table], runs, gflop)
        for engine in engines.values():
            engine.close()
    return results


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="a diffusers folder")
    parser.add_argument("--width", type=int, default=512)
    parser.add_argument("--height", type=int, default=512)
    parser.add_argument("--rows", type=int, default=1, help="rows of a UNet call among the networks, steps of their frame")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.5, help="time for each measurement in a round, at least one run")
    parser.add_argument("--tables", nargs="+", default=list(TABLES), choices=TABLES)
    parser.add_argument("--most-steps", type=int, default=10, help="leave out what takes more denoising steps")
    parser.add_argument("--only", nargs="+", metavar="NAME", choices=sum(TABLES.values(), ()),
                        help="measurements of the tables to take: unet, steps/10, guidance/full/5 ...; a stream of n steps is "
                             "filled with n frames first, which takes minutes with a large model")
    parser.add_argument("--engines", nargs="+", default=ENGINES, choices=ENGINES)
    parser.add_argument("--pairs", action="store_true", help="one peer at a time beside ours: needs less memory")
    parser.add_argument("--instruction-set", choices=INSTRUCTION_SETS, help="hold all engines to these instructions")
    parser.add_argument("--program", default=str(HERE.parent.parent / "build/bench_networks"), help="bench_networks")
    parser.add_argument("--converted", help="folder for OpenVINO's form of the networks (default: openvino/ in the model)")
    parser.add_argument("--json", type=Path, help="write all figures here")
    parser.add_argument("--markdown", type=Path, help="write the tables here")
    parser.add_argument("--plot", type=Path, help="write a plot here, .svg or .png")
    arguments = parser.parse_args()

    prepare_openvino(arguments)
    results = compare(arguments)
    text = report.markdown(results)
    print(text)
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1) + "\n")
    if arguments.markdown:
        arguments.markdown.write_text(text)
    if arguments.plot:
        report.plot(results, arguments.plot)
