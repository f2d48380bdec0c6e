"""Runs the programs of the original StreamDiffusion on this engine, with nothing but their import lines changed.

    python tools/run_original_examples CHECKOUT [--only NAME...] [--model default|random|FOLDER] [--output FOLDER]

CHECKOUT is a checkout of https://github.com/cumulo-autumn/StreamDiffusion, of which nothing is kept. The programs are
copied to a temporary folder, and run there one after another. Models that they name are replaced by small ones from
this repository. Windows open on a screen without a monitor (Xvfb). Servers are talked to by a client in place of their
page. One line is printed for each program, then "N passed, N failed".

What the programs need: streamdiffusion_cpp, torch, torchvision, fire, tqdm, requests, av, mss, python-xlib, fastapi,
uvicorn, websockets and markdown2 in the Python that runs them, and Xvfb and xdotool.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import checkout
import hub_cache
from running import Failed

PROJECT = Path(__file__).resolve().parents[2]
NAME = "tools/run_original_examples"


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, and where to read on."""

    def error(self, message: str) -> None:
        unknown = message.removeprefix("unrecognized arguments: ")
        if unknown != message:
            message = f"unknown option '{unknown.split()[0]}'"
        self.exit(2, f"{NAME}: {message}; see {NAME} --help\n")


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = Parser(prog=NAME, description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False)
    parser.add_argument("checkout", type=Path, nargs="?", help="folder of the original")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="programs to run; see --list")
    parser.add_argument("--list", action="store_true", help="print the programs' names and stop")
    parser.add_argument("--model", default="default", help="default, random, or a diffusers folder (default: default)")
    parser.add_argument("--engine", choices=["ours", "original"], default="ours", help="original: the programs as they are, on the CPU in float32")
    parser.add_argument("--python", default=sys.executable, help="the Python that runs the programs")
    parser.add_argument("--side", type=int, default=256, help="width and height of images in pixels, where a program can be told")
    parser.add_argument("--iterations", type=int, default=10, help="frames that the benchmarks measure")
    parser.add_argument("--arguments", default="", help='more arguments for the programs, as "--seed 3"')
    parser.add_argument("--limit", type=float, default=300, help="seconds that a program may take")
    parser.add_argument("--compare", type=Path, help="the --output of an earlier run: images must be within one level of 255 of its own")
    parser.add_argument("--output", type=Path, help="folder for the programs' images and videos; otherwise they are deleted")
    options, unknown = parser.parse_known_args(arguments)
    if unknown:
        parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    if options.checkout is None and not options.list:
        parser.error("CHECKOUT is missing")
    if options.output is not None and options.output.exists():
        parser.error(f"{options.output} exists; give a new folder with --output")
    return options


def chosen_programs(names: list[str] | None) -> dict[str, Callable[[Any], None]]:
    """Returns the named programs, or all. Raises ValueError if there is no such program."""
    from programs import PROGRAMS

    for name in names or []:
        if name not in PROGRAMS:
            raise ValueError(f"there is no program '{name}'; the names are {', '.join(PROGRAMS)}")
    return {name: PROGRAMS[name] for name in names or PROGRAMS}


def prepare(options: argparse.Namespace, folder: Path) -> dict[str, str]:
    """Copies the programs and makes the models. Returns the environment of the programs."""
    import images

    programs = folder / "programs"
    checkout.copy_programs(options.checkout, programs)
    if options.engine == "ours":
        for line in checkout.change_imports(programs):
            print(line)
    else:
        checkout.keep_original(programs, options.checkout)
    folders = {"default": PROJECT / "models/default"}
    if options.model == "random":
        (folder / "random").mkdir()
        folders["random"] = hub_cache.make_random(folder / "random")
    hub_cache.fill(folder / "huggingface/hub", folders.get(options.model, Path(options.model)))
    images.drawing(0, 256).save(folder / "avatar.png")
    path = [Path(__file__).parent / "environment", *([programs] if options.engine == "original" else [])]
    path += [Path(folder).absolute() for folder in os.environ.get("PYTHONPATH", "").split(os.pathsep) if folder]  # programs run elsewhere
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(map(str, path)),
        "HF_HOME": str(folder / "huggingface"),
        "HF_HUB_CACHE": str(folder / "huggingface/hub"),
        "HF_HUB_OFFLINE": "1",
        "STAND_IN_IMAGE": str(folder / "avatar.png"),
        "PYTHONUNBUFFERED": "1",
    }


def run(name: str, program: Callable[[Any], None], place: Any, earlier: Path | None) -> bool:
    """Runs a program and prints its line. Returns True if it worked."""
    from images import require_same_images

    start = time.monotonic()
    try:
        place.out.mkdir(parents=True)
        program(place)
        if earlier is not None:
            place.measured["% of the values the same"] = 100 * require_same_images(place.out, earlier / name)
    except (Failed, OSError, EOFError) as failure:
        print(f"{name} FAILED: {failure}", flush=True)
        return False
    figures = "".join(f", {value:.2f} {unit}" for unit, value in place.measured.items())
    print(f"{name} ok ({time.monotonic() - start:.0f} s{figures})", flush=True)
    return True


def run_all(programs: dict[str, Callable[[Any], None]], options: argparse.Namespace, folder: Path) -> int:
    """Runs the programs one after another. Returns the number of those that worked."""
    from programs import Place

    environment = prepare(options, folder)
    passed = 0
    for name, program in programs.items():
        place = Place(
            python=options.python, programs=folder / "programs", out=(options.output or folder / "out").absolute() / name,
            side=options.side, iterations=options.iterations, environment=dict(environment), limit=options.limit,
            more_arguments=options.arguments.split(),
        )  # fmt: skip
        passed += run(name, program, place, options.compare)
    return passed


def main(arguments: list[str]) -> int:
    options = parse(arguments)
    try:
        programs = chosen_programs(options.only)
        if options.list:
            print("\n".join(programs))
            return 0
        with tempfile.TemporaryDirectory(prefix="streamdiffusion-") as folder:
            passed = run_all(programs, options, Path(folder))
    except (ValueError, checkout.NoCheckout) as error:
        print(f"{NAME}: {error}; see {NAME} --help", file=sys.stderr)
        return 2
    print(f"{passed} passed, {len(programs) - passed} failed")
    return 0 if passed == len(programs) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
