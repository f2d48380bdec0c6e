#!/usr/bin/env python3
"""Adds libraries to a wheel that auditwheel has repaired: those that auditwheel expects on every desktop (libGL, libX11, glib and
others), but that a server or container lacks. Only the C library and GCC's remain outside.

Usage: complete_wheel.py WHEEL

It needs patchelf. The wheel is replaced.
"""

import base64
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

#: What every system with Python has: the C library and GCC's libraries.
EVERYWHERE = re.compile(r"^(ld-linux.*|lib(c|m|dl|rt|pthread|util|resolv|nsl|gcc_s|stdc\+\+|anl|mvec)\.so.*)$")


def is_elf(file: Path) -> bool:
    with file.open("rb") as stream:
        return stream.read(4) == b"\x7fELF"


def needed(file: Path) -> list[str]:
    """Names of the libraries that an ELF file asks for."""
    output = subprocess.run(["patchelf", "--print-needed", file], capture_output=True, text=True, check=True).stdout
    return [name for name in output.split() if not EVERYWHERE.match(name)]


def system_libraries() -> dict[str, str]:
    """Paths of this system's libraries by name."""
    output = subprocess.run(["/sbin/ldconfig", "-p"], capture_output=True, text=True, check=True).stdout
    libraries: dict[str, str] = {}
    for name, path in re.findall(r"^\s+(\S+) \(libc6,x86-64.*\) => (\S+)$", output, re.MULTILINE):
        libraries.setdefault(name, path)
    return libraries


def add_libraries(folder: Path) -> list[str]:
    """Copies missing libraries, and those that these need, beside the ones that the wheel has. Returns their names."""
    libraries = next(folder.glob("*.libs"))
    system = system_libraries()
    waiting = [file for file in folder.rglob("*") if file.is_file() and not file.is_symlink() and is_elf(file)]
    added = []
    while waiting:
        for name in needed(waiting.pop()):
            target = libraries / name
            if target.exists():
                continue
            shutil.copyfile(system[name], target)
            target.chmod(0o755)
            subprocess.run(["patchelf", "--force-rpath", "--set-rpath", "$ORIGIN", target], check=True)
            added.append(name)
            waiting.append(target)
    return added


def record_line(folder: Path, file: Path) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(file.read_bytes()).digest()).rstrip(b"=").decode()
    return f"{file.relative_to(folder).as_posix()},sha256={digest},{file.stat().st_size}\n"


def pack(folder: Path, wheel: Path) -> None:
    record = next(folder.glob("*.dist-info")) / "RECORD"
    files = sorted(file for file in folder.rglob("*") if file.is_file() and file != record)
    own_line = f"{record.relative_to(folder).as_posix()},,\n"
    record.write_text("".join(record_line(folder, file) for file in files) + own_line, encoding="utf-8")
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in [*files, record]:
            archive.write(file, file.relative_to(folder).as_posix())


def main() -> None:
    wheel = Path(sys.argv[1])
    with tempfile.TemporaryDirectory(dir=wheel.parent) as temporary:
        folder = Path(temporary) / "wheel"
        # Python's zipfile drops the permissions, which the program needs.
        with zipfile.ZipFile(wheel) as archive:
            for entry in archive.infolist():
                path = Path(archive.extract(entry, folder))
                if mode := entry.external_attr >> 16:
                    path.chmod(mode & 0o777)
        print("added:", *sorted(add_libraries(folder)))
        complete = Path(temporary) / wheel.name
        pack(folder, complete)
        os.replace(complete, wheel)


if __name__ == "__main__":
    main()
