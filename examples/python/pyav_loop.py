"""Redraws a camera or a video that PyAV reads, and writes the result as a video.

    python examples/python/pyav_loop.py /dev/video0 out.mp4 --prompt "cat face"
"""

import argparse

import av
import streamdiffusion_cpp as sd


def redraw(source, sink, stream, most_frames):
    """Decodes, redraws and encodes frame by frame."""
    video = source.streams.video[0]
    output = sink.add_stream("libx264", rate=video.average_rate or 25)
    output.width, output.height, output.pix_fmt = *stream.size, "yuv420p"

    def write(frame):
        if frame is not None:
            sink.mux(output.encode(av.VideoFrame.from_ndarray(frame.image, format="rgb24")))

    for number, decoded in enumerate(source.decode(video)):
        if number == most_frames:
            break
        image = sd.fit_image(decoded.to_ndarray(format="rgb24"), stream.size)
        write(stream.step(sd.Frame(image, number, float(decoded.time or 0))))
    for frame in stream.drain():
        write(frame)
    sink.mux(output.encode(None))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("input", help="a video or a camera such as /dev/video0")
    parser.add_argument("output", help="the video to write")
    parser.add_argument("--prompt", default="cat face")
    parser.add_argument("--frames", type=int, default=-1, help="ends after so many frames")
    arguments = parser.parse_args()
    stream = sd.Stream(sd.Model.load(), prompt=arguments.prompt, strength=0.7, steps=2)
    is_camera = arguments.input.startswith("/dev/video")
    with av.open(arguments.input, format="v4l2" if is_camera else None) as source, av.open(arguments.output, "w") as sink:
        redraw(source, sink, stream, arguments.frames)


if __name__ == "__main__":
    main()
