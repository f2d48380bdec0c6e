"""Clients of the original's two demonstration servers, as their pages talk to them."""

from __future__ import annotations

import base64
import io
import json
import socket
import urllib.error
import urllib.request
import uuid
from typing import Any

import images
from PIL import Image


def free_port() -> int:
    """Returns a port of this computer that nothing listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def predict(server: str, prompt: str) -> Image.Image | None:
    """Asks realtime-txt2img for an image. Returns None as long as nothing listens."""
    request = urllib.request.Request(
        f"{server}/api/predict", json.dumps({"prompt": prompt}).encode(), {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:
            content = base64.b64decode(json.load(answer)["base64_image"])
    except urllib.error.HTTPError:
        raise
    except urllib.error.URLError:
        return None
    return Image.open(io.BytesIO(content))


def settings(server: str) -> Any:
    """Returns the settings of realtime-img2img, or None as long as nothing listens."""
    try:
        with urllib.request.urlopen(f"{server}/api/settings", timeout=10) as answer:
            return json.load(answer)
    except urllib.error.HTTPError:
        raise
    except urllib.error.URLError:
        return None


def redraw(server: str, prompt: str, frames: int) -> list[Image.Image]:
    """Sends frames to realtime-img2img as a camera does. Returns what its stream shows."""
    from websockets.sync.client import connect

    user = uuid.uuid4()
    results: list[Image.Image] = []
    with connect(f"ws://{server}/api/ws/{user}", open_timeout=30) as socket_to_server:
        while json.loads(socket_to_server.recv(timeout=30))["status"] != "send_frame":
            pass
        with urllib.request.urlopen(f"http://{server}/api/stream/{user}", timeout=120) as stream:
            for index in range(frames):
                socket_to_server.send(json.dumps({"status": "next_frame"}))
                socket_to_server.send(json.dumps({"prompt": prompt}))
                socket_to_server.send(jpeg(images.drawing(index, 512)))
                results.append(next_part(stream))
    return results


def jpeg(image: Image.Image) -> bytes:
    content = io.BytesIO()
    image.save(content, "JPEG")
    return content.getvalue()


def next_part(stream: Any) -> Image.Image:
    """Reads the next image of a motion JPEG stream."""
    length = 0
    for line in iter(stream.readline, b""):
        if line.lower().startswith(b"content-length:"):
            length = int(line.split(b":")[1])
        elif line == b"\r\n" and length > 0:
            return Image.open(io.BytesIO(stream.read(length)))
    raise EOFError("the stream of images has ended")
