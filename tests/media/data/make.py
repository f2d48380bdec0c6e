#!/usr/bin/env python3
"""Writes the images and clips of this folder: one scene in the formats that tests/media reads.

    python3 tests/media/data/make.py

canvas_vp8.webm, canvas_vp9.webm and browser.webm were recorded with Chromium's MediaRecorder: a canvas of
rgb(200, 50, 50), and one that is drawn slowly.

Needs Pillow, numpy and the ffmpeg program. The scene is 48x32: white, its corners red (top left), green (top right),
blue (bottom left) and black (bottom right), each 16x16.
"""

import pathlib
import struct
import subprocess

import numpy as np
from PIL import Image

HERE = pathlib.Path(__file__).parent


def scene():
    pixels = np.full((32, 48, 3), 255, np.uint8)
    pixels[:16, :16] = (255, 0, 0)
    pixels[:16, 32:] = (0, 255, 0)
    pixels[16:, :16] = (0, 0, 255)
    pixels[16:, 32:] = 0
    return Image.fromarray(pixels)


def ffmpeg(*arguments):
    subprocess.run(["ffmpeg", "-v", "error", "-y", *arguments], check=True, cwd=HERE)


def video(name, filters, *options, frames="3"):
    still = ["-loop", "1", "-framerate", "25", "-i", "plain.png", "-frames:v", frames]
    ffmpeg(*still, "-vf", filters, *options, "-fflags", "+bitexact", "-flags:v", "+bitexact", name)


def lengthen(file, seconds):
    """Changes the duration in an MP4's header, so that it is longer than the tracks."""
    data = bytearray(file.read_bytes())
    header = data.index(b"mvhd") + 4  # 4 bytes each: version and flags, two dates, ticks per second, duration.
    ticks = int.from_bytes(data[header + 12 : header + 16], "big")
    data[header + 16 : header + 20] = (seconds * ticks).to_bytes(4, "big")
    file.write_bytes(data)


def display_p3():
    """The ICC profile of Display P3: three primaries, adapted to D50, and the sRGB curve as a formula."""
    fixed = lambda *values: struct.pack(f">{len(values)}i", *(round(value * 65536) for value in values))
    curve = b"para" + bytes(4) + struct.pack(">HH", 3, 0) + fixed(2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
    colours = {"r": (0.51512, 0.24120, -0.00105), "g": (0.29198, 0.69225, 0.04189), "b": (0.15710, 0.06657, 0.78407)}
    tags = {b"wtpt": b"XYZ " + bytes(4) + fixed(0.9642, 1, 0.8249)}
    for name, colour in colours.items():
        tags[f"{name}XYZ".encode()] = b"XYZ " + bytes(4) + fixed(*colour)
        tags[f"{name}TRC".encode()] = curve
    table, data = struct.pack(">I", len(tags)), b""
    for name, content in tags.items():
        table += name + struct.pack(">II", 128 + 4 + 12 * len(tags) + len(data), len(content))
        data += content
    start = struct.pack(">III", 128 + len(table) + len(data), 0, 0x04300000) + b"mntrRGB XYZ " + bytes(12) + b"acsp"
    return start + bytes(28) + fixed(0.9642, 1, 0.8249) + bytes(48) + table + data


def main():
    plain = scene()
    plain.save(HERE / "plain.png")
    plain.convert("CMYK").save(HERE / "cmyk.jpg", quality=98)
    plain.convert("P", palette=Image.Palette.ADAPTIVE).save(HERE / "palette.png")
    plain.save(HERE / "progressive.jpg", quality=95, progressive=True, subsampling=0)
    plain.save(HERE / "lossless.webp", lossless=True)
    grey = np.asarray(plain.convert("L")).astype(np.uint16) * 257
    Image.fromarray(grey).save(HERE / "grey16.png")
    alpha = plain.convert("RGBA")
    alpha.putalpha(Image.fromarray(np.repeat([[255], [128]], 16, axis=0).repeat(48, axis=1).astype(np.uint8)))
    alpha.save(HERE / "alpha.png")
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        plain.save(HERE / f"oriented_{orientation}.jpg", quality=95, subsampling=0, exif=exif)
    exif = Image.Exif()
    exif[0x0112] = 6
    plain.save(HERE / "oriented_6.png", exif=exif)
    for name, compression in (("raw", None), ("lzw", "tiff_lzw"), ("deflate", "tiff_deflate")):
        tags = Image.Exif()
        tags[0x0112], tags[0x0131], tags[0x013B] = 6, "a program", "somebody"
        plain.save(HERE / f"tagged_{name}.tif", compression=compression, exif=tags, dpi=(300, 300))
    plain.resize((64, 64)).save(HERE / "animated.webp", save_all=True, append_images=[plain.resize((64, 64)).rotate(90)])
    plain.save(HERE / "oriented_6.webp", exif=exif, lossless=True)
    for orientation in range(2, 9):  # Pillow writes EXIF's orientation as rotation and mirror boxes.
        exif[0x0112] = orientation
        plain.save(HERE / f"oriented_{orientation}.avif", quality=100, subsampling="4:4:4", exif=exif)
    alpha.save(HERE / "alpha.avif", quality=100)
    vivid = Image.new("RGB", (16, 16), (200, 100, 50))
    vivid.save(HERE / "p3.webp", lossless=True, icc_profile=display_p3())
    vivid.save(HERE / "p3.avif", quality=100, subsampling="4:4:4", icc_profile=display_p3())
    vivid.save(HERE / "p3.tif", compression="tiff_lzw", icc_profile=display_p3())
    av1 = ["-c:v", "libaom-av1", "-still-picture", "1", "-crf", "0", "-pix_fmt", "yuv444p"]
    tags = ["-color_primaries", "smpte432", "-color_trc", "iec61966-2-1", "-colorspace", "smpte170m"]
    ffmpeg("-f", "lavfi", "-i", "color=0xC86432:s=16x16", "-frames:v", "1", *av1, *tags, "p3_tagged.avif")

    x264 = ["-c:v", "libx264", "-qp", "1", "-pix_fmt", "yuv444p"]
    for matrix, tag in (("bt601", "smpte170m"), ("bt709", "bt709"), ("bt2020", "bt2020nc")):
        for span, span_tag in (("limited", "tv"), ("full", "pc")):
            convert = f"scale=out_color_matrix={matrix}:out_range={span}:flags=accurate_rnd+full_chroma_int"
            tags = ["-colorspace", tag, "-color_range", span_tag]
            video(f"{matrix}_{span}.mp4", convert, *x264, *tags)
    video("untagged.mp4", "scale=out_color_matrix=bt601:flags=accurate_rnd+full_chroma_int", *x264)
    video("reserved_matrix.mp4", "scale=out_color_matrix=bt601:flags=accurate_rnd+full_chroma_int", *x264,
          "-bsf:v", "h264_metadata=matrix_coefficients=3:colour_primaries=2:transfer_characteristics=2")  # fmt: skip
    video("header_longer.mp4", "null", *x264, frames="10")
    lengthen(HERE / "header_longer.mp4", seconds=3)
    video("wide_pixels.mp4", "setsar=2/1", *x264)
    ffmpeg("-i", "untagged.mp4", "-c", "copy", "-metadata:s:v:0", "rotate=90", "-fflags", "+bitexact", "rotated.mp4")
    ffmpeg("-loop", "1", "-framerate", "25", "-i", "alpha.png", "-frames:v", "2", "-c:v", "qtrle", "alpha.mov")
    video("uneven.mkv", "select='not(mod(n,3))+eq(n,4)'", "-vsync", "vfr", *x264, frames="6")

    # A white frame and a beep, both 1 s after the first frame. The container's clock does not start at 0.
    image = "color=black:s=48x32:r=25:d=1.6,drawbox=t=fill:c=white:enable='between(t,0.99,1.02)'"
    sound = "aevalsrc='if(between(t,1,1.1),0.9*sin(880*2*PI*t),0)':d=1.6:s=48000"
    ffmpeg("-f", "lavfi", "-i", image, "-f", "lavfi", "-i", sound, "-c:v", "libx264", "-c:a", "aac", "-b:a", "48k",
           "-output_ts_offset", "7", "flash_and_beep.ts")


if __name__ == "__main__":
    main()
