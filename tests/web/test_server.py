"""Tests of how servers start and end."""

import os
import pathlib
import socket
import subprocess
import tempfile
import time
import unittest

from server_test import DEFAULT_MODEL, DRAWING, TOKEN, main, metric  # First, because it reports missing packages.

from server_client import PATIENCE, Server, Session, format_of
from websockets.exceptions import ConnectionClosed


def resident_bytes(server):
    """Returns the resident memory of the server's process in bytes, from /proc."""
    fields = pathlib.Path(f"/proc/{server.process.pid}/statm").read_text(encoding="ascii").split()
    return int(fields[1]) * os.sysconf("SC_PAGESIZE")


def keeps_freed_memory(program):
    """True if the program is built with a sanitizer."""
    return b"__asan_init" in (code := pathlib.Path(program).read_bytes()) or b"__tsan_init" in code


class Lives(unittest.TestCase):
    """Tests of how servers with various options start and end."""

    def start_wrongly(self, *options):
        return subprocess.run([Server.program, "serve", "--port", "0", *options], capture_output=True, text=True, timeout=PATIENCE)

    def test_everybody_s_addresses_ask_for_a_decision(self):
        refused = self.start_wrongly("--host", "0.0.0.0")
        self.assertEqual(refused.returncode, 2)
        self.assertIn("--no-auth", refused.stderr)
        for options in (("--no-auth",), ("--token", TOKEN)):
            with Server("--host", "0.0.0.0", *options) as server, server.connect():
                pass

    def test_wrong_options_are_told(self):
        for options, status, words in ((("--host", "no.such.name.invalid", "--no-auth"), 1, "--host"), (("--tls-cert", "x"), 2, "--tls-key"),
                                       (("--tls-cert", "none", "--tls-key", "none"), 1, "none"), (("--offer", f"default={DEFAULT_MODEL}"), 1, "default"),
                                       (("--max-sessions", "0"), 2, "--max-sessions")):
            with self.subTest(options=options):
                ended = self.start_wrongly(*options)
                self.assertEqual(ended.returncode, status, ended.stderr)
                self.assertIn(words, ended.stderr)

    def test_a_port_in_use_is_told(self):
        with Server() as server:
            ended = subprocess.run([Server.program, "serve", "--port", str(server.port)], capture_output=True, text=True, timeout=PATIENCE)
            self.assertEqual(ended.returncode, 1)
            self.assertIn("--port", ended.stderr)

    def test_sigterm_tells_all_sessions(self):
        with Server("--max-sessions", "2") as server:
            drawing, resting, waiting = Session(server, "drawing-session"), Session(server), Session(server, wait=False)
            with server.connect() as half, server.connect() as viewer:
                half.sendall(b"POST /v1/images/generations HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n{")
                viewer.sendall(b"GET /stream.mjpg?session=drawing-session HTTP/1.1\r\nHost: localhost\r\n\r\n")
                waiting.message("queue")
                for number in range(10):
                    drawing.send(DRAWING, number)
                drawing.answer()
                self.assertEqual(server.stop(), 0)
                for session in (drawing, resting, waiting):
                    with self.assertRaises(ConnectionClosed) as closed:
                        while True:
                            session.receive()
                    self.assertEqual(closed.exception.rcvd.code, 1001)

    def test_who_does_not_read_holds_up_no_stop(self):
        with Server() as server:
            slow = server.connect()
            slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            slow.sendall(b"GET /v1/stream HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                         b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
            slow.settimeout(0.5)
            text = b"\x81\x82\0\0\0\0{}"  # Masked with zeros. Each is answered with an error.
            try:
                for _ in range(400):
                    slow.sendall(text * 1000)
            except (TimeoutError, ConnectionError):
                pass
            self.assertEqual(server.stop(), 0)  # It must end within PATIENCE.
            slow.close()

    def test_idle_sessions_are_closed(self):
        with Server("--idle-timeout", "2") as server:
            session = Session(server)
            for _ in range(6):  # A session that sends stays open.
                time.sleep(0.4)
                session.change()
            with self.assertRaises(ConnectionClosed) as closed:
                session.message("none")
            self.assertEqual(closed.exception.rcvd.code, 1008)

    @unittest.skipUnless(pathlib.Path("/proc/self/statm").exists(), "memory is read from /proc")
    def test_memory_is_level_however_often_settings_change(self):
        """Checks that memory stays level during as many changes as a dragged slider makes (a short version of the soak test in
        bench_server)."""
        if keeps_freed_memory(Server.program):
            self.skipTest("sanitizers keep freed memory")
        steps = [("settings", {"steps": count}) for count in (1, 4, 2, 4, 1, 2)]
        others = [("settings", {"strength": 0.4}), ("settings", {"seed": 7}), ("settings", {"guidance_scale": 1.5, "cfg_type": "full"}),
                  ("settings", {"guidance_scale": 1.0}), ("stream", {"width": 96, "height": 96}), ("stream", {"frame_buffer": 2}),
                  ("stream", {"width": 64, "height": 64, "frame_buffer": 1}), ("settings", {"strength": 0.5})]
        with Server("--precision", "int8", "--threads", "1") as server, Session(server) as session:
            session.change("stream", width=64, height=64)

            def change_often(changes, times):
                for _ in range(times):
                    for kind, fields in changes:
                        session.change(kind, **fields)
                        session.send(DRAWING)
                        session.answer()

            for changes in (steps, others):
                change_often(changes, 5)
                before = resident_bytes(server)
                change_often(changes, 20)
                self.assertLess(resident_bytes(server), before * 1.03, changes)

    def test_offered_models_are_loaded_when_asked_for(self):
        with Server("--offer", f"other={DEFAULT_MODEL}") as server, Session(server) as session:
            self.assertEqual([(model["id"], model["loaded"]) for model in session.hello["models"]], [("default", True), ("other", False)])
            session.change(prompt="red apple")
            before = session.draw()
            answer = session.change("stream", model="other")
            self.assertEqual(answer["stream"]["model"], "other")
            self.assertEqual(session.message("loading")["model"], "other")
            self.assertEqual(session.draw(), before)
            session.change("stream", model="default")
            self.assertEqual(session.draw(), before)
            self.assertEqual(metric(server, "models_loaded"), 2)

    def test_models_that_cannot_be_loaded_are_told(self):
        with tempfile.TemporaryDirectory() as folder:
            (pathlib.Path(folder) / "model_index.json").write_text("{}")
            with Server("--offer", f"broken={folder}") as server, Session(server) as session:
                error = session.ask("stream", {"model": "broken"})
                self.assertEqual((error["type"], error["code"]), ("error", "model"))
                self.assertEqual(format_of(session.draw(DRAWING)), "jpeg")


if __name__ == "__main__":
    main()
