"""Counts how many files written by current libraries give those libraries' results, or are refused as the docs say.

The files are written in each run, by one module for each kind of file (kind_*.py). Missing libraries and programs are
reported and their files skipped; if none remains, the test is skipped. To run it by hand:

    CONFORMANCE=build/conformance STREAMDIFFUSION=build/streamdiffusion STREAMDIFFUSION_PROJECT=. \\
        python3 tests/files/test_files.py [NAME...]
"""

import importlib
import os
import pathlib
import subprocess
import sys
import tempfile

from reference_file import missing

SKIPPED = 77
# The number of files of each kind that must pass if all libraries are available. It detects files lost from the lists.
FILES_OF_KIND = {"adapters": 40, "checkpoints": 26, "videos": 16}


def outcome(file, folder):
    """Returns if the file passed, and what happened."""
    file.make(folder)
    if file.compare:
        return file.compare(folder)
    result = subprocess.run(
        [os.environ["CONFORMANCE"], "--device", "cpu", "--precision", "f32", str(folder)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    said = (result.stdout + result.stderr).replace(str(folder), "CASE").strip()
    if not file.refused:
        return result.returncode == 0, said
    is_refused = result.returncode != 0 and "FAIL: " in said and all(word in said for word in file.refused)
    return is_refused, said


def run_kind(kind, only):
    """Returns the passed, failed and skipped files of one kind."""
    files = [file for file in importlib.import_module(f"kind_{kind}").files() if not only or file.name in only]
    if not only and len(files) != FILES_OF_KIND[kind]:
        sys.exit(f"{kind}: {len(files)} files, {FILES_OF_KIND[kind]} expected; change FILES_OF_KIND with the list")
    absent = missing(sorted({name for file in files for name in file.requires}))
    for name, reason in absent.items():
        print(f"{kind}: {name} {reason}")
    counts = [0, 0, 0]
    for file in files:
        if absent.keys() & set(file.requires):
            print(f"  left out  {file.name}")
            counts[2] += 1
            continue
        with tempfile.TemporaryDirectory(prefix="streamdiffusion-files-") as folder:
            right, said = outcome(file, pathlib.Path(folder))
        counts[0 if right else 1] += 1
        print(f"  {'right     ' if right else 'WRONG     '}{file.name}: {said.splitlines()[0][:300] if said else 'silence'}")
    print(f"{kind}: {counts[0]} right, {counts[1]} wrong, {counts[2]} left out", flush=True)
    return counts


def main():
    only = sys.argv[1:]
    right, wrong, _ = (sum(counts) for counts in zip(*(run_kind(kind, only) for kind in FILES_OF_KIND), strict=True))
    if wrong:
        return 1
    return 0 if right else SKIPPED


if __name__ == "__main__":
    sys.exit(main())
