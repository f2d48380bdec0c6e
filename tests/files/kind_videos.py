"""Videos as current versions of FFmpeg (in PyAV) and Chromium's MediaRecorder write them. The program processes them with the
default model at a strength that keeps colours. The output must have the input's frames, times, sound and colour."""

import base64
import fractions
import functools
import os
import shutil
import subprocess

from reference_file import ReferenceFile

COLOUR = (200, 50, 50)
SIZE = 64
RATE = 25
MOST_PADDING = 0.13  # Seconds. Encoders pad their last frame: 1024 samples in AAC, here at 8 kHz.


# ---- FFmpeg's files


def even(count=RATE):
    return [i * 1000 // RATE for i in range(count)]


UNEVEN = [0, 40, 60, 140, 150, 300, 333, 400, 480, 481, 700, 740, 900, 960]  # Milliseconds.
GAP = [time + (2000 if time >= 12400 else 0) for time in even(320)]  # Later than the frames examined at the start.


def add_video(container, codec, times, full_range):
    options = {"x265-params": "log-level=none"} if codec == "libx265" else None
    stream = container.add_stream(codec, rate=RATE, options=options)
    stream.width = stream.height = SIZE
    stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    stream.codec_context.color_range = 2 if full_range else 1
    stream.codec_context.colorspace = 5 if codec == "mjpeg" else 1  # BT.470 B, G; BT.709
    tick = fractions.Fraction(1, RATE if times == even(len(times)) else 1000)
    stream.codec_context.time_base = stream.time_base = tick
    return stream


def video_packets(stream, times, full_range):
    import av
    import numpy
    from av.video.reformatter import ColorRange, Colorspace

    image = numpy.full((SIZE, SIZE, 3), COLOUR, numpy.uint8)
    space = Colorspace.ITU601 if stream.codec_context.name == "mjpeg" else Colorspace.ITU709
    for time in times:
        frame = av.VideoFrame.from_ndarray(image, format="rgb24").reformat(
            format=stream.pix_fmt, dst_colorspace=space, dst_color_range=ColorRange.JPEG if full_range else ColorRange.MPEG
        )
        frame.pts = round(time / 1000 / stream.codec_context.time_base)
        frame.time_base = stream.codec_context.time_base
        yield from stream.encode(frame)
    yield from stream.encode()


def audio_packets(stream, rate, seconds):
    import av
    import numpy

    tone = (8000 * numpy.sin(numpy.arange(int(rate * seconds)) * 440 * 6.283 / rate)).astype(numpy.int16)
    frame = av.AudioFrame.from_ndarray(tone.reshape(1, -1), format="s16", layout="mono")
    frame.rate, frame.pts = rate, 0
    yield from stream.encode(frame)
    yield from stream.encode()


def ffmpeg_file(folder, name, video, audio, times, full_range=False, rate=48000):
    import av

    with av.open(str(folder / name), "w") as container:
        images = add_video(container, video, times, full_range)
        sound = container.add_stream(audio, rate=rate, layout="mono") if audio else None
        packets = [*video_packets(images, times, full_range)]
        packets += audio_packets(sound, rate, times[-1] / 1000) if audio else []
        for packet in sorted(packets, key=lambda packet: packet.dts * packet.time_base):
            container.mux(packet)


# ---- Chromium's files

RECORD = """async ([type, colour]) => {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 64;
  const context = canvas.getContext("2d");
  const paint = () => { context.fillStyle = colour; context.fillRect(0, 0, 64, 64); };
  paint();
  const stream = canvas.captureStream(25);
  const audio = new AudioContext();
  const tone = audio.createOscillator();
  const sound = audio.createMediaStreamDestination();
  tone.connect(sound);
  tone.start();
  await audio.resume();
  stream.addTrack(sound.stream.getAudioTracks()[0]);
  const recorder = new MediaRecorder(stream, { mimeType: type });
  const parts = [];
  recorder.ondataavailable = (event) => parts.push(event.data);
  recorder.start(200);
  const timer = setInterval(paint, 40);
  await new Promise((done) => setTimeout(done, 1000));
  clearInterval(timer);
  await new Promise((done) => { recorder.onstop = done; recorder.stop(); });
  const bytes = new Uint8Array(await new Blob(parts).arrayBuffer());
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}"""


def recorded_file(folder, name, mime_type):
    from playwright.sync_api import sync_playwright

    flags = ["--autoplay-policy=no-user-gesture-required", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=flags)
        recording = browser.new_page().evaluate(RECORD, [mime_type, f"rgb{COLOUR}"])
        browser.close()
    (folder / name).write_bytes(base64.b64decode(recording))


# ---- Outputs


def read_video(path):
    """Returns the frames' times relative to the first, the seconds of sound, and the mean colour of the last frame."""
    import av

    with av.open(str(path)) as container:
        frames = [(frame.time, frame) for frame in container.decode(video=0)]
        colour = frames[-1][1].to_ndarray(format="rgb24").reshape(-1, 3).mean(0)
    seconds = 0.0
    with av.open(str(path)) as container:
        if container.streams.audio:
            seconds = sum(frame.samples / frame.sample_rate for frame in container.decode(audio=0))
    return [time - frames[0][0] for time, _ in frames], seconds, colour


def compare_videos(folder, name, output):
    program = [os.environ["STREAMDIFFUSION"], "run", str(folder / name), str(folder / output)]
    options = ["--prompt", "red apple", "--width", SIZE, "--height", SIZE, "--strength", "0.1", "--steps", "1"]
    result = subprocess.run([*program, *map(str, options)], capture_output=True, text=True, timeout=300, check=False)
    if result.returncode:
        return False, result.stderr.strip()
    times, sound, _ = read_video(folder / name)
    new_times, new_sound, colour = read_video(folder / output)
    if len(times) != len(new_times):
        return False, f"{len(new_times)} frames instead of {len(times)}"
    shift = max(abs(new - old) for new, old in zip(new_times, times, strict=True))
    distance = max(abs(new - old) for new, old in zip(colour, COLOUR, strict=True))
    right = shift <= 0.002 and -0.02 <= new_sound - sound <= MOST_PADDING and distance <= 8
    return right, (
        f"{len(times)} frames, off by {shift:.4f} s; sound {new_sound:.2f} s of {sound:.2f}; colour off by {distance:.0f}"
    )


# ---- The list


def of_ffmpeg(name, output, video, audio, times, **options):
    make = functools.partial(ffmpeg_file, name=name, video=video, audio=audio, times=times, **options)
    compare = functools.partial(compare_videos, name=name, output=output)
    return ReferenceFile(f"video {name} to {output}: {video}, {audio}", make, ("av", "numpy"), compare=compare)


def of_chromium(name, output, mime_type):
    make = functools.partial(recorded_file, name=name, mime_type=mime_type)
    compare = functools.partial(compare_videos, name=name, output=output)
    requires = ("av", "numpy", "playwright.sync_api", "program chromium")
    return ReferenceFile(f"video {name} of MediaRecorder to {output}: {mime_type}", make, requires, compare=compare)


def files():
    return [
        of_ffmpeg("uneven.mp4", "out.webm", "libx264", "aac", UNEVEN),
        of_ffmpeg("uneven.mkv", "out.mp4", "libx264", "flac", UNEVEN),
        of_ffmpeg("gap.mkv", "out.mp4", "libx264", "ac3", GAP),
        of_ffmpeg("pcm.mov", "out.mp4", "libx264", "pcm_s16le", even()),
        of_ffmpeg("low.mkv", "out.webm", "libx264", "aac", even(), rate=16000),
        of_ffmpeg("full.mp4", "out.mp4", "libx264", "aac", even(), full_range=True),
        of_ffmpeg("full.webm", "out.mkv", "libvpx-vp9", "libopus", UNEVEN, full_range=True),
        of_ffmpeg("full8.webm", "out.mp4", "libvpx", "libopus", even(), full_range=True),
        of_ffmpeg("camera.avi", "out.mp4", "mjpeg", "pcm_mulaw", even(), full_range=True, rate=8000),
        of_ffmpeg("broadcast.ts", "out.mkv", "mpeg2video", "mp2", even()),
        of_ffmpeg("phone.mp4", "out.webm", "libx265", "aac", UNEVEN),
        of_ffmpeg("silent.mkv", "out.webm", "ffv1", None, UNEVEN),
        of_chromium("vp8.webm", "out.mp4", "video/webm;codecs=vp8,opus"),
        of_chromium("vp9.webm", "out.mkv", "video/webm;codecs=vp9,opus"),
        of_chromium("av1.webm", "out.mp4", "video/webm;codecs=av1,opus"),
        of_chromium("h264.mp4", "out.webm", "video/mp4;codecs=avc1,opus"),
    ]
