#!/usr/bin/env python3
"""Gathers the training images of the default model. Fetches the packages in sources.json (Debian's with apt-get, Python's with
pip), takes the files that their licences allow, and writes

    DATA/emoji/*.png, emoji.json   images with transparency, their names and keywords
    DATA/clipart/*.png             images with transparency, for the autoencoder only
    DATA/photos/*.jpg              photos, for the autoencoder only
    DATA/held_out/photos, held_out/wallpapers   for measurements only
    DATA/manifest.json             package, version, licence and count of each source

To use your own images, put PNG files into a folder next to a JSON file like emoji.json (see README.md).
"""

import argparse
import fnmatch
import json
import re
import xml.etree.ElementTree as xml
from io import BytesIO
from pathlib import Path

from fontTools.ttLib import TTFont
from PIL import Image

import packages

PHOTO_SIDE = 768
CLIPART_SIDE = 224
SKIN_TONES = range(0x1F3FB, 0x1F400)


def emoji_glyphs(font):
    """Maps sequences of code points to names of glyphs, by cmap and the ligatures in GSUB."""
    cmap = font.getBestCmap()
    glyph_of = {(code,): glyph for code, glyph in cmap.items()}
    code_of = {glyph: code for code, glyph in cmap.items()}
    for lookup in font["GSUB"].table.LookupList.Lookup:
        for table in lookup.SubTable:
            table = getattr(table, "ExtSubTable", table)
            for first, ligatures in getattr(table, "ligatures", {}).items():
                for ligature in ligatures:
                    parts = [first, *ligature.Component]
                    if all(part in code_of for part in parts):
                        glyph_of[tuple(code_of[part] for part in parts)] = ligature.LigGlyph
    return glyph_of


def annotations(folder):
    """Returns names and keywords by sequence, from CLDR's English annotations."""
    names, keywords = {}, {}
    for kind in ("annotations", "annotationsDerived"):
        for entry in xml.parse(next(folder.glob(f"**/common/{kind}/en.xml"))).iter("annotation"):
            sequence = tuple(code for code in map(ord, entry.get("cp")) if code != 0xFE0F)
            if entry.get("type") == "tts":
                names[sequence] = entry.text
            else:
                keywords[sequence] = [word.strip() for word in entry.text.split("|")]
    return names, keywords


def write_emoji(font_folder, names_folder, out):
    font = TTFont(next(font_folder.glob("**/NotoColorEmoji.ttf")))
    bitmaps = font["CBDT"].strikeData[0]
    glyph_of = emoji_glyphs(font)
    names, keywords = annotations(names_folder)
    (out / "emoji").mkdir(parents=True, exist_ok=True)
    entries = []
    for sequence, name in sorted(names.items()):
        codes = tuple(code for code in sequence if code != 0xFE0F)
        glyph = glyph_of.get(codes)
        is_flag = any(0x1F1E6 <= code <= 0x1F1FF or 0xE0000 <= code for code in codes)
        if glyph not in bitmaps or is_flag or any(code in SKIN_TONES for code in codes):
            continue
        file = "-".join(f"{code:x}" for code in codes) + ".png"
        picture = Image.open(BytesIO(bitmaps[glyph].imageData)).convert("RGBA")
        picture.save(out / "emoji" / file)
        entries.append({"file": file, "name": name.lower(), "keywords": keywords.get(sequence, [])})
    (out / "emoji.json").write_text(json.dumps(entries, indent=1, ensure_ascii=False))
    return len(entries)


def write_clipart(folder, out):
    (out / "clipart").mkdir(parents=True, exist_ok=True)
    count = 0
    for path in sorted(folder.glob("usr/share/openclipart/png/**/*.png")):
        try:
            picture = Image.open(path).convert("RGBA")
            if min(picture.size) < 32 or max(picture.size) > 6000:
                continue
            picture.thumbnail((CLIPART_SIDE, CLIPART_SIDE), Image.Resampling.LANCZOS)
            picture.save(out / "clipart" / f"{count:05}.png", compress_level=1)
            count += 1
        except (OSError, Image.DecompressionBombError) as error:
            print(f"{path}: left out: {error}")
    return count


def write_photo(data, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = Image.open(data).convert("RGB")
    picture.thumbnail((PHOTO_SIDE, PHOTO_SIDE), Image.Resampling.LANCZOS)
    picture.save(path, quality=95)


def stem(name):
    return re.sub(r"\.(jpe?g|webp)$", "", name)


def debian_photos(source, folder):
    """Yields (name, file) of the photos in a package that its copyright file puts under one of the source's licences."""
    patterns = packages.files_under(folder / "usr/share/doc" / source["package"] / "copyright", source["licences"])
    base_names = {pattern.rsplit("/", 1)[-1] for pattern in patterns}
    for path in sorted(folder.glob("**/*.jpg")):
        if path.name in base_names:
            yield path.name, path
    for archive in sorted(folder.glob("**/*.rcc")):
        for name, body in packages.files_in_rcc(archive):
            # The package holds WebP files made from the JPEG files that its copyright file names.
            listed = [f"*{stem(pattern)}" for pattern in patterns if pattern.endswith((".jpg", ".jpeg", ".webp", "*"))]
            if name.endswith((".webp", ".jpg")) and any(fnmatch.fnmatch(stem(name), pattern) for pattern in listed):
                yield stem(name).rsplit("/", 1)[-1] + ".jpg", BytesIO(body)


def write_photos(files, folder):
    """Writes photos given as (name, file) and returns their number."""
    count = 0
    for name, file in files:
        write_photo(file, folder / name)
        count += 1
    return count


def wallpapers(source, folder):
    """Yields (name, file) of wallpapers in KDE's layout: NAME/contents/images/SIZE.EXTENSION."""
    for path in sorted(folder.glob(source["files"])):
        yield path.parts[-4] + ".jpg", path


def write_debian_source(source, folder, folders, data):
    """Writes the images of a Debian package. Returns their number, or the number of names."""
    if source["use"] == "emoji":
        return write_emoji(folder, folders["unicode-cldr-core"], data)
    if source["use"] == "names":
        return len(annotations(folder)[0])
    if source["use"] == "clipart":
        return write_clipart(folder, data)
    if source["use"] == "photos":
        return write_photos(debian_photos(source, folder), data / "photos")
    return write_photos(wallpapers(source, folder), data / "held_out/wallpapers")


def write_python_source(source, archive, data):
    """Writes the photos in a wheel and returns their number."""

    def members(files):
        return [(Path(file).stem + ".jpg", BytesIO(archive.read(file))) for file in files]

    return write_photos(members(source["files"]), data / "photos") + write_photos(
        members(source["held_out"]), data / "held_out/photos"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("train-data"), help="where the data goes")
    parser.add_argument("--cache", type=Path, default=Path("train-data/packages"), help="where packages are kept")
    arguments = parser.parse_args()
    arguments.cache.mkdir(parents=True, exist_ok=True)
    sources = json.loads((Path(__file__).parent / "sources.json").read_text())
    manifest = []

    def note(source, version, count):
        manifest.append(
            {
                "package": source["package"],
                "version": version,
                "use": source["use"],
                "licence": source["licence"],
                "count": count,
            }
        )
        print(f"{source['package']} {version}: {count} for {source['use']}; {source['licence']}", flush=True)

    unpacked = {
        source["package"]: packages.unpacked_debian_package(source["package"], arguments.cache)
        for source in sources["debian"]
    }
    folders = {name: folder for name, (folder, _) in unpacked.items()}
    for source in sources["debian"]:
        folder, version = unpacked[source["package"]]
        note(source, version, write_debian_source(source, folder, folders, arguments.data))
    for source in sources["python"]:
        archive = packages.wheel(source, arguments.cache)
        note(source, source["version"], write_python_source(source, archive, arguments.data))
    (arguments.data / "manifest.json").write_text(json.dumps(manifest, indent=1))


if __name__ == "__main__":
    main()
