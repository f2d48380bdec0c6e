"""Tests that prepare_data.py takes from packages only the files that the copyright file allows, and unchanged."""

import os
import struct
import sys
import tempfile
import unittest
import zlib
from pathlib import Path

sys.path.insert(0, os.path.join(os.environ["STREAMDIFFUSION_PROJECT"], "tools/train"))
import packages

COPYRIGHT = """Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/

Files: *
Copyright: 2020 Somebody
License: GPL-3+

Files: photos/moose.jpg
       photos/fish*.jpg
Copyright: none
License: public-domain
 Stated to be free of copyright.

Files: photos/lemur.jpg
Copyright: 2010 Photographer
License: CC-BY-SA-3.0

Files: photos/panda.jpg
Copyright: 2010 Photographer
License: CC-BY-1.0
"""


def qt_resource(files, version=2):
    """Returns a binary resource file of Qt with one folder "photos", as rcc writes it."""
    names, offsets = b"", {}
    for name in ("photos", *files):
        offsets[name] = len(names)
        names += struct.pack(">HI", len(name), 0) + name.encode("utf-16-be")
    contents, places = b"", {}
    for name, (body, compressed) in files.items():
        places[name] = len(contents)
        body = struct.pack(">I", len(body)) + zlib.compress(body) if compressed else body
        contents += struct.pack(">I", len(body)) + body
    stamp = struct.pack(">Q", 0) if version > 1 else b""
    tree = struct.pack(">IHII", 0, 2, 1, 1) + stamp + struct.pack(">IHII", offsets["photos"], 2, len(files), 2) + stamp
    for name, (_, compressed) in files.items():
        tree += struct.pack(">IHHHI", offsets[name], 1 if compressed else 0, 0, 1, places[name]) + stamp
    start = 20
    return (
        b"qres"
        + struct.pack(">4I", version, start, start + len(tree), start + len(tree) + len(contents))
        + tree
        + contents
        + names
    )


class Copyright(unittest.TestCase):
    def test_gives_the_files_of_the_wanted_licences_alone(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "copyright"
            path.write_text(COPYRIGHT)
            self.assertEqual(
                packages.files_under(path, ["public-domain", "CC-BY-1.0"]),
                ["photos/moose.jpg", "photos/fish*.jpg", "photos/panda.jpg"],
            )
            self.assertEqual(packages.files_under(path, ["CC0-1.0"]), [])


class QtResources(unittest.TestCase):
    def test_files_come_out_as_they_went_in(self):
        for version in (1, 2):
            with self.subTest(version=version), tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "photos.rcc"
                path.write_bytes(qt_resource({"a.webp": (b"plain", False), "b.webp": (b"packed" * 50, True)}, version))
                self.assertEqual(
                    list(packages.files_in_rcc(path)), [("photos/a.webp", b"plain"), ("photos/b.webp", b"packed" * 50)]
                )


if __name__ == "__main__":
    unittest.main()
