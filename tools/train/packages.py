"""Fetches Debian's and Python's packages, and finds the files that their licences allow to use. Needs only Python."""

import re
import struct
import subprocess
import sys
import zipfile
import zlib


def unpacked_debian_package(name, cache):
    folder = cache / name
    if not folder.exists():
        subprocess.run(["apt-get", "download", name], cwd=cache, check=True, stdout=subprocess.DEVNULL)
        archive = next(cache.glob(f"{name}_*.deb"))
        subprocess.run(["dpkg-deb", "-x", archive, folder], check=True)
    version = next(cache.glob(f"{name}_*.deb")).name.split("_")[1].replace("%3a", ":")
    return folder, version


def wheel(source, cache):
    folder = cache / source["package"]
    if not folder.exists():
        subprocess.run(
            [
                sys.executable,
                "-m",
                "pip",
                "download",
                "--quiet",
                "--no-deps",
                "--only-binary",
                ":all:",
                "--python-version",
                source["python"],
                "--dest",
                folder,
                f"{source['package']}=={source['version']}",
            ],
            check=True,
        )
    return zipfile.ZipFile(next(folder.glob("*.whl")))


def files_under(copyright_file, licences):
    """Returns the patterns of files that a machine-readable debian/copyright puts under one of the licences."""
    patterns = []
    for paragraph in re.split(r"\n\s*\n", copyright_file.read_text()):
        fields = dict(re.findall(r"^(Files|License):((?:.*)(?:\n[ \t].*)*)", paragraph, re.MULTILINE))
        if "Files" in fields and fields.get("License", "").split("\n")[0].strip() in licences:
            patterns += fields["Files"].split()
    return patterns


def files_in_rcc(path):
    """Yields (path, bytes) of each file in a binary resource file of Qt."""
    data = path.read_bytes()
    version, tree, contents, names = struct.unpack(">4x4I", data[:20])
    node_size = 14 if version == 1 else 22

    def name_at(offset):
        (length,) = struct.unpack_from(">H", data, names + offset)
        return data[names + offset + 6 : names + offset + 6 + 2 * length].decode("utf-16-be")

    def walk(index, prefix):
        at = tree + index * node_size
        name_offset, flags = struct.unpack_from(">IH", data, at)
        name = prefix + (name_at(name_offset) if index else "")
        if flags & 2:
            count, first = struct.unpack_from(">II", data, at + 6)
            for child in range(first, first + count):
                yield from walk(child, name + "/" if index else "")
        elif not flags & 4:
            (offset,) = struct.unpack_from(">I", data, at + 10)
            (size,) = struct.unpack_from(">I", data, contents + offset)
            body = data[contents + offset + 4 : contents + offset + 4 + size]
            yield name, zlib.decompress(body[4:]) if flags & 1 else body

    yield from walk(0, "")
