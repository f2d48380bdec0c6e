"""A program of the original's that runs: its output, its windows, and its end."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
LONGEST_OUTPUT = 4000  # characters of a program's output in a message


class Failed(Exception):
    """A program did not do what it should. The message says what is missing, and what the program printed."""


class Running:
    """A program in a process group of its own, whose output is collected. It is ended with the `with` statement."""

    def __init__(self, command: list[str], folder: Path, environment: dict[str, str], limit: float) -> None:
        self._end = time.monotonic() + limit
        self._text = ""
        self._process = subprocess.Popen(
            command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, errors="replace", start_new_session=True,
        )  # fmt: skip
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Running:
        return self

    def __exit__(self, *_: object) -> None:
        self.signal(signal.SIGKILL)
        self._process.wait()

    @property
    def output(self) -> str:
        """Everything that the program has printed so far."""
        return self._text

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._text += line

    def peak_memory(self) -> float:
        """Returns the most memory that the program has had at once, in MB."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        peak = re.search(r"VmHWM:\s*(\d+) kB", status)
        return int(peak[1]) / 1000 if peak else 0.0

    def signal(self, number: int) -> None:
        """Sends a signal to the program and the processes that it has started."""
        try:
            os.killpg(self._process.pid, number)
        except ProcessLookupError:
            pass

    def wait_for(self, what: str, find: Callable[[], T | None], while_running: bool = True) -> T:
        """Calls `find` until it returns something. Raises Failed if the time is up, or if the program ends before."""
        while time.monotonic() < self._end:
            found = find()
            if found is not None:
                return found
            if while_running and self._process.poll() is not None:
                self._reader.join(1)
                found = find()
                if found is not None:
                    return found
                raise self._failed(f"it ended (status {self._process.returncode}) without {what}")
            time.sleep(0.1)
        raise self._failed(f"the time was up without {what}")

    def _failed(self, problem: str) -> Failed:
        return Failed(f"{problem}\n{self._text[-LONGEST_OUTPUT:]}")

    def wait_for_text(self, pattern: str) -> re.Match[str]:
        """Waits until the output matches a regular expression."""
        return self.wait_for(f"printing {pattern!r}", lambda: re.search(pattern, self._text))

    def wait_for_end(self) -> None:
        """Waits until the program has ended by itself. Raises Failed if its status is not 0."""
        status = self.wait_for("an end", self._process.poll, while_running=False)
        if status != 0:
            raise self._failed(f"its exit status is {status}")
