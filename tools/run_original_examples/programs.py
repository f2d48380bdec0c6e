"""The original's programs: how each is called, and how one sees that it worked."""

from __future__ import annotations

import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import demo_clients
import images
import windows
from running import Failed, Running


@dataclass
class Place:
    """Where a program runs: its python, the copied programs, its results, and the size of its images."""

    python: str
    programs: Path
    out: Path
    side: int
    iterations: int
    environment: dict[str, str]
    limit: float
    more_arguments: list[str] = field(default_factory=list)
    measured: dict[str, float] = field(default_factory=dict)

    def start(self, file: str, *arguments: object) -> Running:
        """Starts a program in its own folder."""
        path = self.programs / file
        command = [self.python, path.name, *map(str, arguments), *self.more_arguments]
        return Running(command, path.parent, {**self.environment}, self.limit)

    def sized(self) -> list[object]:
        return ["--width", self.side, "--height", self.side]


def run_to_end(place: Place, file: str, *arguments: object) -> str:
    """Runs a program that ends by itself. Returns what it printed."""
    with place.start(file, *arguments) as running:
        running.wait_for_end()
        return running.output


def img2img_single(place: Place) -> None:
    result = place.out / "output.png"
    run_to_end(place, "examples/img2img/single.py", "--output", result, *place.sized())
    images.require_image(result, place.side)


def img2img_multi(place: Place) -> None:
    drawings = images.write_drawings(place.out / "inputs", 5, place.side)
    run_to_end(place, "examples/img2img/multi.py", "--input", drawings, "--output", place.out / "outputs", *place.sized())
    for drawing in drawings.iterdir():
        images.require_image(place.out / "outputs" / drawing.name, place.side)


def txt2img_single(place: Place) -> None:
    result = place.out / "output.png"
    run_to_end(place, "examples/txt2img/single.py", "--output", result, *place.sized())
    images.require_image(result, place.side)


def txt2img_multi(place: Place) -> None:
    run_to_end(place, "examples/txt2img/multi.py", "--output", place.out, *place.sized())
    for index in range(3):
        images.require_image(place.out / f"{index:02}.png", place.side)


def vid2vid(place: Place) -> None:
    images.write_video(place.out / "in.mp4", 12, place.side)
    run_to_end(place, "examples/vid2vid/main.py", "--input", place.out / "in.mp4", "--output", place.out / "out.mp4")
    images.require_video(place.out / "out.mp4", 10, place.side)  # the program leaves out the first two


def benchmark(place: Place, file: str) -> None:
    arguments = ["--iterations", place.iterations, "--warmup", 2, *place.sized()]
    with place.start(file, *arguments) as running:
        place.measured["frames per second"] = float(running.wait_for_text(r"Average FPS: ([\d.]+)")[1])
        place.measured["MB of memory"] = running.peak_memory()
        running.signal(signal.SIGINT)  # multi.py would wait for its other process for ever


def optimal_performance(place: Place, file: str, *arguments: object) -> None:
    with windows.Screen() as screen:
        place.environment["DISPLAY"] = screen.name
        with place.start(file, *arguments) as running:
            shown = running.wait_for("an image in its window", screen.shown_image)
            shown.save(place.out / "screen.png")
            running.signal(signal.SIGINT)
            running.wait_for_text(r"fps: [\d.]+")


def screen_capture(place: Place) -> None:
    with windows.Screen() as screen:
        place.environment["DISPLAY"] = screen.name
        with place.start("examples/screen/main.py", *place.sized()) as running:
            running.wait_for("a window that waits for Enter", lambda: screen.press_enter("Press Enter to start"))
            shown = running.wait_for("an image in its window", screen.shown_image)
            shown.save(place.out / "screen.png")
            screen.close_window("Image Viewer")
            running.wait_for_text(r"fps: [\d.]+")
            running.wait_for_text("process1 terminated")


def demo_txt2img(place: Place) -> None:
    (place.programs / "demo/realtime-txt2img/frontend/dist").mkdir(parents=True, exist_ok=True)
    with place.start("demo/realtime-txt2img/main.py") as running:
        image = running.wait_for("an answer", lambda: demo_clients.predict("http://127.0.0.1:9090", "a red apple"))
        image.save(place.out / "output.png")
    images.require_image(place.out / "output.png", 512)


def demo_img2img(place: Place) -> None:
    (place.programs / "demo/realtime-img2img/frontend/public").mkdir(parents=True, exist_ok=True)
    port = demo_clients.free_port()
    with place.start("demo/realtime-img2img/main.py", "--host", "127.0.0.1", "--port", port) as running:
        running.wait_for("a server", lambda: demo_clients.settings(f"http://127.0.0.1:{port}"))
        for index, image in enumerate(demo_clients.redraw(f"127.0.0.1:{port}", "a red apple", frames=4)):
            image.save(place.out / f"{index:02}.png")
            images.require_image(place.out / f"{index:02}.png", 512)


PROGRAMS: dict[str, Callable[[Place], None]] = {
    "txt2img/single": txt2img_single,
    "txt2img/multi": txt2img_multi,
    "img2img/single": img2img_single,
    "img2img/multi": img2img_multi,
    "vid2vid": vid2vid,
    "benchmark/single": lambda place: benchmark(place, "examples/benchmark/single.py"),
    "benchmark/multi": lambda place: benchmark(place, "examples/benchmark/multi.py"),
    "optimal-performance/single": lambda place: optimal_performance(place, "examples/optimal-performance/single.py"),
    "optimal-performance/multi": lambda place: optimal_performance(
        place, "examples/optimal-performance/multi.py", "--batch_size", 2
    ),
    "screen": screen_capture,
    "realtime-txt2img": demo_txt2img,
    "realtime-img2img": demo_img2img,
}

