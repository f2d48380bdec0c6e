#!/usr/bin/env python3
"""Counts the instructions that a frame of the default model takes in float32 and in int8, and compares them with
reference.json. The frame takes two denoising steps on one thread with AVX2, which is the best that Valgrind supports.
Instruction counts are nearly the same in each run, unlike times on a busy machine, so they reveal slower kernels and
repeated work.

Fails if a count grows by more than 5%. If that is intended, or the default model has changed, run:

    ctest --test-dir build -R instructions -V        # shows the command of this file with its options; add --update
    python3 tests/instructions/test_frame.py --update

Skipped (status 77) without Valgrind, on processors without AVX2, and with another compiler than the reference's.
"""
import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parent.parent
REFERENCE = HERE / "reference.json"
ROOM = 0.05
PRECISIONS = ("f32", "int8")
SKIPPED = 77


def skip(why):
    print(f"skipped: {why}")
    sys.exit(SKIPPED)


def compiler_of(build):
    """Returns the compiler's name and version that CMake found, in the form in which CMakeLists.txt passes it."""
    text = next(build.glob("CMakeFiles/*/CMakeCXXCompiler.cmake")).read_text(encoding="utf-8")
    return " ".join(re.search(rf'set\({key} "(.*?)"\)', text)[1] for key in ("CMAKE_CXX_COMPILER_ID", "CMAKE_CXX_COMPILER_VERSION"))


def count(program, precision):
    """Returns the instructions of the frame and the instruction set used."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "callgrind.out"
        run = subprocess.run(
            ["valgrind", "--tool=callgrind", "--collect-atstart=no", "--toggle-collect=step_counted_frame",
             f"--callgrind-out-file={out}", program, PROJECT / "models" / "default", precision],
            capture_output=True, text=True, check=False)
        if run.returncode != 0:
            sys.exit(f"{program} failed in Valgrind:\n{run.stderr}")
        totals = re.search(r"^(?:summary|totals): (\d+)", out.read_text(encoding="utf-8"), re.MULTILINE)
        return int(totals[1]), run.stdout.strip()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", type=Path, default=PROJECT / "build" / "step_frame", help="step_frame, built")
    parser.add_argument("--compiler", help="it was built with (default: what CMake says of the program's folder)")
    parser.add_argument("--update", action="store_true", help="write the reference")
    arguments = parser.parse_args()
    compiler = arguments.compiler or compiler_of(arguments.program.parent)
    if not shutil.which("valgrind"):
        skip("Valgrind is not installed (scripts/install-dependencies tests)")
    reference = json.loads(REFERENCE.read_text(encoding="utf-8"))
    if compiler != reference["compiler"] and not arguments.update:
        skip(f"the reference was counted with {reference['compiler']}, this is {compiler}")

    instructions = {}
    for precision in PRECISIONS:
        instructions[precision], instruction_set = count(arguments.program, precision)
        if instruction_set != "AVX2":
            skip(f"Valgrind runs {instruction_set} here, the reference is AVX2's")
    if arguments.update:
        REFERENCE.write_text(json.dumps({"instructions": instructions, "compiler": compiler}, indent=1) + "\n", encoding="utf-8")
        print(instructions)
        return 0
    shares = {}
    for precision, number in instructions.items():
        expected = reference["instructions"][precision]
        shares[precision] = number / expected
        print(f"{precision}: {number:,} instructions, {number / expected:.4f} of the reference's {expected:,}")
    if max(shares.values()) > 1 + ROOM:
        print("A frame has become slower. Where that is meant, or the default model has changed:\n"
              "    python3 tests/instructions/test_frame.py --update")
        return 1
    if min(shares.values()) < 1 - ROOM:
        print("A frame has become faster: python3 tests/instructions/test_frame.py --update keeps it so.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
