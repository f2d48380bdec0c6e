"""Runs a server, and a small client of its protocol (docs/server.md), for the tests."""

import collections
import json
import re
import select
import signal
import socket
import ssl
import struct
import subprocess
import tempfile
import threading
import time
import urllib.parse
import zlib

from websockets.sync.client import connect

PATIENCE = 100  # Seconds to wait for anything that has to come. It only ends tests that would hang.
IMAGE, SKIPPED, DROPPED, UNREADABLE = range(4)

FRAME_HEADER = struct.Struct("<BBHId")
ANSWER_HEADER = struct.Struct("<BBHIdII")

Answer = collections.namedtuple("Answer", "state variation number time microseconds dropped image")


class Server:
    """Runs `streamdiffusion serve` on a free port. Used in a `with` statement, it checks that the server ends without error."""

    program = ""

    def __init__(self, *options):
        self.log = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen([self.program, "serve", "--port", "0", *options], stdout=subprocess.PIPE, stderr=self.log, text=True)
        self.url = self.process.stdout.readline().strip()
        if not re.fullmatch(r"https?://[^/]+:\d+/", self.url):
            self.kill()
            raise RuntimeError(f"serve said {self.url!r} where its address was expected: {self.errors()}")

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        status = self.stop() if self.process.poll() is None else self.process.returncode
        errors = self.errors()
        self.kill()
        if kind is None and status != 0:
            raise AssertionError(f"serve ended with status {status}: {errors}")

    @property
    def port(self):
        return urllib.parse.urlsplit(self.url).port

    def address(self, path, **query):
        host = "ws" + self.url.removeprefix("http").rstrip("/")
        return host + path + (query and "?" + urllib.parse.urlencode(query) or "")

    def connect(self, **options):
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE, **options)

    def errors(self):
        self.log.seek(0)
        return self.log.read()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.log.close()


class TlsSocket(ssl.SSLSocket):
    """Allows one read or write at a time. websockets reads in a thread of its own, but an OpenSSL connection is not thread-safe.
    Data sent while a session ticket is read may never leave (python/cpython#151508)."""

    turn = threading.Lock()

    def recv(self, size=1024, flags=0):
        while True:
            with self.turn:
                timeout = self.gettimeout()
                self.settimeout(0)
                try:
                    return super().recv(size, flags)
                except ssl.SSLWantReadError:
                    pass
                finally:
                    self.settimeout(timeout)
            select.select([self], [], [])

    def sendall(self, data, flags=0):
        with self.turn:
            super().sendall(data, flags)


class Session:
    """A WebSocket to /v1/stream. Messages and answers are kept until the test asks for them."""

    def __init__(self, server, name=None, headers=None, wait=True, **options):
        if "ssl" in options:
            options["ssl"].sslsocket_class = TlsSocket
        query = {"session": name} if name else {}
        query.update(options.pop("query", {}))
        connection = connect(server.address("/v1/stream", **query), max_size=None, compression=None, proxy=None,
                             additional_headers=headers, open_timeout=PATIENCE, close_timeout=2, **options)
        self.socket = connection.__enter__()
        self.texts = []
        self.answers = []
        self.ids = 0
        if wait:
            self.hello = self.message("hello")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def receive(self, timeout=PATIENCE):
        data = self.socket.recv(timeout)
        if isinstance(data, str):
            self.texts.append(json.loads(data))
        else:
            kind, *fields = ANSWER_HEADER.unpack_from(data)
            assert kind == 1, f"an answer begins with {kind}"
            self.answers.append(Answer(*fields, data[ANSWER_HEADER.size:]))

    def message(self, kind, timeout=PATIENCE):
        """Waits for the next message of this type."""
        until = time.monotonic() + timeout
        while True:
            for text in self.texts:
                if text["type"] == kind:
                    self.texts.remove(text)
                    return text
            self.receive(until - time.monotonic())

    def answer(self, number=None, timeout=PATIENCE):
        """Waits for the next answer to a frame, or for the answer to the frame of this number."""
        until = time.monotonic() + timeout
        while True:
            for answer in self.answers:
                if number in (None, answer.number):
                    self.answers.remove(answer)
                    return answer
            self.receive(until - time.monotonic())

    def ask(self, kind, fields):
        """Requests a change and returns the answer, which may be an error."""
        self.ids += 1
        self.socket.send(json.dumps({"type": kind, "id": self.ids, kind: fields}))
        while True:
            for text in self.texts:
                if text.get("id") == self.ids:
                    self.texts.remove(text)
                    return text
            self.receive()

    def change(self, kind="settings", **fields):
        """Requests a change that must succeed and returns the answer."""
        answer = self.ask(kind, fields)
        assert answer["type"] == kind, answer
        return answer

    def send(self, image=b"", number=0, variation=0, time_=0.0):
        self.socket.send(FRAME_HEADER.pack(1, 0, variation, number, time_) + image)

    def draw(self, image=b"", variation=0):
        """Sends a frame and returns the image file of its answer."""
        self.ids += 1
        self.send(image, self.ids, variation)
        answer = self.answer(self.ids)
        assert answer.state == IMAGE, answer
        return answer.image


def png(width, height, shade=lambda x, y: (x, y, 128)):
    """Encodes a PNG file, because Python has no encoder. `shade` returns the channels of a pixel: RGB or RGBA."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + bytes(part & 255 for x in range(width) for part in shade(x, y)) for y in range(height))
    return png_header(width, height, has_alpha=len(shade(0, 0)) == 4) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def png_header(width, height, has_alpha=False):
    data = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 6 if has_alpha else 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + data + struct.pack(">I", zlib.crc32(data))


def read_png(image):
    """Decodes a PNG file of 8-bit RGB without interlacing. Returns its rows as bytes."""
    width, height = size_of_png(image)
    assert image[24:29] == b"\x08\x02\0\0\0", image[24:29]
    data, at = b"", 8
    while at < len(image):
        (size,) = struct.unpack_from(">I", image, at)
        if image[at + 4 : at + 8] == b"IDAT":
            data += image[at + 8 : at + 8 + size]
        at += 12 + size
    lines = zlib.decompress(data)
    rows, above = [], bytes(3 * width)
    for start in range(0, height * (3 * width + 1), 3 * width + 1):
        row = bytearray(3)  # Three zeros to the left of the first pixel.
        for x, value in enumerate(lines[start + 1 : start + 1 + 3 * width]):
            left, up, corner = row[x], above[x], above[x - 3] if x >= 3 else 0
            paeth = min((left, up, corner), key=lambda part: abs(left + up - corner - part))
            row.append((value + (0, left, up, (left + up) // 2, paeth)[lines[start]]) & 255)
        above = bytes(row[3:])
        rows.append(above)
    return rows


def format_of(image):
    signatures = {"jpeg": b"\xff\xd8\xff", "png": b"\x89PNG\r\n\x1a\n", "webp": b"RIFF"}
    return next((name for name, bytes_ in signatures.items() if image.startswith(bytes_)), None)


def size_of_png(image):
    return struct.unpack_from(">II", image, 16)
