"""A screen without a monitor (Xvfb) for programs that open windows."""

from __future__ import annotations

import shutil
import subprocess
import time

from PIL import Image, ImageGrab
from running import Failed


class Screen:
    """A screen of 1280x1024 pixels. It is closed with the `with` statement."""

    def __init__(self) -> None:
        for program in ("Xvfb", "xdotool"):
            if shutil.which(program) is None:
                raise Failed(f"{program} is missing; install it")
        self._server = subprocess.Popen(
            ["Xvfb", "-displayfd", "1", "-screen", "0", "1280x1024x24"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        assert self._server.stdout is not None
        self.name = ":" + self._server.stdout.readline().strip()

    def __enter__(self) -> Screen:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.terminate()
        self._server.wait()

    def shown_image(self) -> Image.Image | None:
        """Returns the screen's contents if they are more than plain windows, else None."""
        image = ImageGrab.grab(xdisplay=self.name)
        return image if len(set(image.resize((160, 128), Image.Resampling.NEAREST).getdata())) > 100 else None

    def press_enter(self, title: str) -> bool | None:
        """Presses Enter in a window. Returns None if there is no window of that title."""
        window = self._window(title)
        if window is None:
            return None
        time.sleep(0.5)  # until the window listens
        self._xdotool("windowfocus", window)
        self._xdotool("key", "Return")
        return True

    def close_window(self, title: str) -> None:
        """Closes a window as a person does."""
        window = self._window(title)
        if window is None:
            raise Failed(f"there is no window {title!r}")
        ask_to_close(self.name, int(window))

    def _window(self, title: str) -> str | None:
        found = self._xdotool("search", "--name", title).split()
        return found[-1] if found else None

    def _xdotool(self, *arguments: str) -> str:
        return subprocess.run(
            ["xdotool", *arguments], env={"DISPLAY": self.name}, capture_output=True, text=True, check=False
        ).stdout  # fmt: skip


def ask_to_close(display: str, window: int) -> None:
    """Sends the message that a window manager sends when its close button is pressed."""
    from Xlib import X, display as x_display
    from Xlib.protocol import event

    connection = x_display.Display(display)
    atom = connection.intern_atom
    target = connection.create_resource_object("window", window)
    message = event.ClientMessage(
        window=target, client_type=atom("WM_PROTOCOLS"), data=(32, [atom("WM_DELETE_WINDOW"), X.CurrentTime, 0, 0, 0])
    )
    target.send_event(message)
    connection.flush()
    connection.close()


