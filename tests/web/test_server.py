"""The real program over the network: docs/server.md, what clients may do wrong, and OpenAI's own client.

    test_server.py [--program FILE] [unittest's options]

Exits with 77 where Python's websockets or openai are missing.
"""

import argparse
import base64
import collections
import json
import os
import pathlib
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request

try:
    import openai
    from websockets.exceptions import ConnectionClosed, InvalidStatus
except ImportError as missing:
    print(f"skipped: Python's {missing.name} is missing (pip install websockets openai)")
    sys.exit(77)

from server_client import (DROPPED, PATIENCE, PICTURE, SKIPPED, UNREADABLE, Server, Session, format_of, png, png_header, size_of_png)

PROJECT = pathlib.Path(__file__).resolve().parents[2]
DEFAULT_MODEL = PROJECT / "models" / "default"
TOKEN = "only-for-this-test"
DRAWING = png(64, 64)


def get(server, path, method="GET", headers=None, body=None, context=None):
    """Status, headers and body of an answer, whatever the status."""
    request = urllib.request.Request(server.url.rstrip("/") + path, body, headers or {}, method=method)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
    try:
        with opener.open(request, timeout=PATIENCE) as response:
            return response.status, response.headers, response.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, error.read()


def metric(server, name):
    lines = get(server, "/metrics")[2].decode().splitlines()
    return next(float(line.split()[-1]) for line in lines if line.startswith(f"streamdiffusion_{name} "))


def resident_bytes(server):
    """Memory of the server's process, from Linux's /proc."""
    fields = pathlib.Path(f"/proc/{server.process.pid}/statm").read_text(encoding="ascii").split()
    return int(fields[1]) * os.sysconf("SC_PAGESIZE")


def keeps_freed_memory(program):
    """True if a sanitizer is in the program."""
    return b"__asan_init" in (code := pathlib.Path(program).read_bytes()) or b"__tsan_init" in code


def exchange(server, request):
    """All that comes back for raw bytes, until the server closes the connection or says no more."""
    with server.connect() as connection:
        connection.settimeout(5)
        received = b""
        try:
            connection.sendall(request)
            while data := connection.recv(65536):
                received += data
        except (TimeoutError, ConnectionError):
            pass
        return received


class OneServer(unittest.TestCase):
    """Tests that share a server, which has to be well after each of them."""

    options = ()

    @classmethod
    def setUpClass(cls):
        cls.server = Server(*cls.options)
        cls.addClassCleanup(cls.server.__exit__, None, None, None)

    def tearDown(self):
        self.assertEqual(get(self.server, "/healthz")[0], 200, self.server.errors())

    def session(self, *arguments, **options):
        session = Session(self.server, *arguments, **options)
        self.addCleanup(session.socket.close)
        return session

    def assert_closes(self, session, code):
        with self.assertRaises(ConnectionClosed) as closed:
            while True:
                session.receive()
        self.assertEqual(closed.exception.rcvd.code, code)


class Sessions(OneServer):
    def test_hello_tells_all_settings_models_and_limits(self):
        hello = self.session().hello
        self.assertEqual(hello["protocol"], 1)
        self.assertEqual((hello["settings"]["strength"], hello["settings"]["steps"]), (0.7, 2))
        self.assertEqual((hello["stream"]["width"], hello["stream"]["height"]), (256, 256))
        self.assertEqual([(model["id"], model["loaded"]) for model in hello["models"]], [("default", True)])
        self.assertEqual(hello["limits"]["frames_under_way"], 16)
        self.assertGreaterEqual(len(hello["session"]), 8)

    def test_settings_are_in_effect_when_they_are_answered(self):
        session = self.session()
        pictures = []
        for prompt in ("red apple", "blue bird"):
            answer = session.change(prompt=prompt, strength=1, seed=5)
            self.assertEqual((answer["settings"]["prompt"], answer["settings"]["seed"]), (prompt, 5))
            self.assertEqual(set(answer["settings"]), set(session.hello["settings"]))
            pictures.append(session.draw())
        self.assertNotEqual(*pictures)

    def test_settings_change_all_or_nothing(self):
        session = self.session()
        before = session.change(steps=1)["settings"]
        error = session.ask("settings", {"steps": 4, "prompt": "cat", "strength": 7})
        self.assertEqual((error["type"], error["code"], error["field"]), ("error", "invalid", "strength"))
        self.assertEqual(session.change()["settings"], before)

    def test_errors_name_the_field(self):
        session = self.session()
        wrong = {"settings": {"steps": 0, "strength": "much", "cfg_type": "strong", "seed": 1.5, "prompt": 3, "prompts": "cat",
                              "t_index_list": [3, 1], "loras": {"none": 1}, "prompt_blend": "mix", "colour": 1,
                              "guidance_scale": -1, "max_skip_frame": 1e99, "do_add_noise": 1},
                 "stream": {"width": 100, "height": 1 << 40, "model": "other", "format": "bmp", "fit": 1, "quality": 0,
                            "frame_buffer": 17, "denoising_batch": "no", "colour": 1}}
        for kind, fields in wrong.items():
            for field, value in fields.items():
                with self.subTest(field=field, value=value):
                    error = session.ask(kind, {field: value})
                    self.assertEqual((error["type"], error.get("field")), ("error", field), error)
        long = session.ask("settings", {"prompt": "x" * (session.hello["limits"]["prompt_bytes"] + 1)})
        self.assertEqual((long["type"], long["field"]), ("error", "prompt"))
        self.assertEqual(session.change()["settings"], session.hello["settings"])

    def test_the_stream_changes(self):
        session = self.session()
        answer = session.change("stream", width=64, height=96, format="png")
        self.assertEqual((answer["stream"]["width"], answer["stream"]["height"]), (64, 96))
        self.assertEqual(size_of_png(session.draw(DRAWING)), (64, 96))
        self.assertEqual(size_of_png(session.draw()), (64, 96))
        session.change("stream", frame_buffer=2, denoising_batch=False)
        self.assertEqual(size_of_png(session.draw(DRAWING)), (64, 96))

    def test_pictures_come_and_go_in_all_formats(self):
        session = self.session()
        pictures = {"png": DRAWING}
        for name in ("jpeg", "webp", "png"):
            session.change("stream", format=name)
            pictures[name] = session.draw(pictures["png"])
            self.assertEqual(format_of(pictures[name]), name)
        drawn = [session.draw(picture) for picture in pictures.values()]
        self.assertEqual([format_of(picture) for picture in drawn], ["png"] * 3)

    def test_quality_makes_pictures_larger(self):
        session = self.session()
        session.change("stream", quality=10)
        small = session.draw(DRAWING)
        session.change("stream", quality=95)
        self.assertGreater(len(session.draw(DRAWING)), len(small))

    def test_number_time_and_variation_come_back(self):
        session = self.session()
        for number, variation, time_ in ((0, 0, 0.0), (4294967295, 65535, -1e300), (7, 1, float("inf"))):
            for picture in (DRAWING, b""):
                session.send(picture, number, variation, time_)
                answer = session.answer()
                self.assertEqual((answer.number, answer.variation, answer.time), (number, variation, time_))
                self.assertEqual(answer.state, PICTURE)

    def test_every_frame_is_answered_once_and_the_newest_wins(self):
        session = self.session()
        session.change(steps=4)
        count = 120
        for number in range(count):
            session.send(DRAWING, number)
        answers = [session.answer() for _ in range(count)]
        self.assertEqual(sorted(answer.number for answer in answers), list(range(count)))
        states = {answer.number: answer.state for answer in answers}
        self.assertEqual(states[count - 1], PICTURE)
        self.assertEqual(set(states.values()), {PICTURE, DROPPED})
        shown = [answer.number for answer in answers if answer.state == PICTURE]
        self.assertEqual(shown, sorted(shown))
        self.assertEqual(max(answer.dropped for answer in answers), list(states.values()).count(DROPPED))
        with self.assertRaises(TimeoutError):
            session.answer(timeout=0.3)

    def test_a_stream_follows_a_change_of_size_without_losing_count(self):
        session = self.session()
        count = 40
        for number in range(count):
            session.send(DRAWING, number)
            if number % 10 == 5:
                session.socket.send(json.dumps({"type": "stream", "stream": {"width": 64 + 8 * number % 64}}))
        self.assertEqual(sorted(session.answer().number for _ in range(count)), list(range(count)))

    def test_text_to_image_is_the_same_for_the_same_variation(self):
        first = self.session()
        first.change(prompt="red apple", seed=9)
        pictures = [first.draw(variation=variation) for variation in range(4)]
        self.assertEqual(len(set(pictures)), 4)
        self.assertEqual(first.draw(variation=2), pictures[2])
        second = self.session()
        second.change(prompt="red apple", seed=10)
        self.assertEqual(second.draw(variation=1), pictures[2])
        second.draw(DRAWING)
        self.assertEqual(second.draw(variation=1), pictures[2])

    def test_text_to_image_waits_in_a_line_of_limited_length(self):
        session = self.session()
        count = 60
        for number in range(count):
            session.send(number=number, variation=number)
        states = {answer.number: answer.state for answer in (session.answer() for _ in range(count))}
        self.assertEqual([states[number] for number in range(count - 16, count)], [PICTURE] * 16)
        self.assertIn(DROPPED, states.values())

    def test_alike_frames_are_skipped(self):
        session = self.session()
        session.change(similarity_threshold=0.5, steps=1)
        states = []
        for number in range(30):
            session.send(DRAWING, number)
            states.append(session.answer().state)
        self.assertIn(SKIPPED, states)

    def test_statistics_come_while_frames_go_through(self):
        session = self.session()
        session.change(steps=1)
        until = time.monotonic() + PATIENCE
        counts = []
        while not counts and time.monotonic() < until:
            session.draw(DRAWING)
            counts = [text for text in session.texts if text["type"] == "statistics"]
        self.assertGreater(counts[0]["fps"], 0)
        self.assertGreater(counts[0]["step_ms"], 0)

    def test_unreadable_pictures_are_told(self):
        session = self.session()
        huge = png_header(60000, 60000)
        for picture in (b"garbage", DRAWING[:100], DRAWING[:8], b"\xff\xd8\xff\xe0", b"RIFF\xff\xff\xff\xffWEBPVP8 ", huge, b"\0" * 100000,
                        b"GIF89a" + bytes(100), b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"#EXTM3U\nhttp://127.0.0.1/x\n"):
            with self.subTest(picture=picture[:20]):
                session.send(picture)
                self.assertEqual(session.answer().state, UNREADABLE)
                self.assertEqual(session.message("error")["code"], "picture")
        self.assertEqual(format_of(session.draw(DRAWING)), "jpeg")

    def test_what_is_no_message_is_told(self):
        session = self.session()
        for text in ("", "nonsense", "[]", "{}", '{"type": 1}', '{"type": "dance"}', "[" * 100000, '{"type": "settings"}',
                     '{"type": "settings", "settings": []}', '{"type": "settings", "settings": {}, "id": {}}',
                     '{"type": "settings", "settings": {"steps": 1e400}}', '{"type": "stream", "stream": "wide"}',
                     b"", b"\x01", b"\x01" * 15, b"\x02" + bytes(15) + DRAWING):
            with self.subTest(text=text[:40]):
                session.socket.send(text)
                self.assertIn(session.message("error")["code"], ("message", "invalid"))
        self.assertEqual(session.change()["settings"], session.hello["settings"])

    def test_texts_that_are_no_utf8_close(self):
        session = self.session()
        session.socket.send(b"\xff\xfe{}", text=True)
        self.assert_closes(session, 1007)

    def test_large_messages_close(self):
        session = self.session()
        try:
            session.send(bytes(session.hello["limits"]["message_bytes"]))
        except ConnectionClosed:
            pass
        self.assert_closes(session, 1009)

    def test_too_many_messages_are_slowed_down(self):
        session = self.session()
        start = time.monotonic()
        for _ in range(10):
            for _ in range(100):
                session.socket.send("{}")
            for _ in range(100):
                self.assertEqual(session.message("error")["code"], "message")
        self.assertGreater(time.monotonic() - start, 0.9)  # 500 at once, then 500 a second

    def test_a_client_that_sends_a_frame_for_each_answer_is_served(self):
        session = self.session()
        under_way = session.hello["limits"]["frames_under_way"]
        for number in range(under_way):
            session.send(DRAWING, number)
        states = collections.Counter()
        for number in range(under_way, under_way + 2000):
            states[session.answer().state] += 1
            session.send(DRAWING, number)
        self.assertEqual(set(states), {PICTURE, DROPPED})
        self.assertGreater(states[PICTURE], 20)

    def test_names_are_one_session_s(self):
        with Session(self.server, "a-name-of-mine") as session:
            self.assertEqual(session.hello["session"], "a-name-of-mine")
            with self.assertRaises(InvalidStatus) as refused:
                Session(self.server, "a-name-of-mine")
            self.assertEqual(refused.exception.response.status_code, 409)
        with self.assertRaises(InvalidStatus) as refused:
            Session(self.server, "short")
        self.assertEqual(refused.exception.response.status_code, 400)
        until = time.monotonic() + PATIENCE
        while True:
            try:
                self.session("a-name-of-mine")
                break
            except InvalidStatus:
                self.assertLess(time.monotonic(), until, "the name stays taken")
                time.sleep(0.1)

    def test_motion_jpeg_shows_the_session(self):
        session = self.session("watched-session")
        with self.server.connect() as viewer:
            viewer.sendall(b"GET /stream.mjpg?session=watched-session HTTP/1.1\r\nHost: localhost\r\n\r\n")
            stream = viewer.makefile("rb")
            self.assertIn(b" 200 ", stream.readline())
            headers = b"".join(iter(stream.readline, b"\r\n"))
            self.assertIn(b"multipart/x-mixed-replace", headers)
            for _ in range(2):
                sent = session.draw(DRAWING)
                while not stream.readline().startswith(b"--"):
                    pass
                part = dict(line.strip().split(b": ") for line in iter(stream.readline, b"\r\n"))
                self.assertEqual(part[b"Content-Type"], b"image/jpeg")
                self.assertEqual(stream.read(int(part[b"Content-Length"])), sent)
        self.assertEqual(get(self.server, "/stream.mjpg?session=no-such-session")[0], 404)


class Http(OneServer):
    def test_paths(self):
        for path, status in (("/", 200), ("/healthz", 200), ("/readyz", 200), ("/metrics", 200), ("/v1/models", 200), ("/none", 404),
                             ("/../../etc/passwd", 404), ("/%2e%2e/etc/passwd", 404), ("/v1/stream", 426), ("/stream.mjpg", 404)):
            with self.subTest(path=path):
                self.assertEqual(get(self.server, path)[0], status)
        for method, path in (("POST", "/"), ("DELETE", "/v1/models"), ("GET", "/v1/images/generations"), ("PUT", "/healthz")):
            with self.subTest(method=method, path=path):
                self.assertEqual(get(self.server, path, method)[0], 405)

    def test_the_page_may_load_nothing_from_elsewhere(self):
        status, headers, body = get(self.server, "/")
        self.assertIn("default-src 'none'", headers["Content-Security-Policy"])
        self.assertEqual(headers["X-Content-Type-Options"], "nosniff")
        self.assertEqual(get(self.server, "/", "HEAD")[1]["Content-Length"], str(len(body)))
        self.assertEqual(get(self.server, "/", headers={"If-None-Match": headers["ETag"]})[0], 304)

    def test_metrics_count(self):
        before = metric(self.server, "pictures_total")
        session = self.session()
        session.draw(DRAWING)
        self.assertEqual(metric(self.server, "pictures_total"), before + 1)
        self.assertEqual(metric(self.server, "sessions"), 1)
        self.assertGreaterEqual(metric(self.server, "frame_latency_seconds_count"), 1)

    def test_garbage_is_refused(self):
        host = b"Host: localhost\r\n"
        for request in (b"\0" * 1000, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200), b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n" + host + b"\r\n",
                        b"GET / HTTP/1.1\r\n" + host + b"Bad Name: x\r\n\r\n", b"GET / HTTP/1.1\r\n" + host + b"X: " + b"x" * 20000 + b"\r\n\r\n",
                        b"POST / HTTP/1.1\r\n" + host + b"Content-Length: -1\r\n\r\n", b"POST / HTTP/1.1\r\n" + host + b"Content-Length: 1\r\nContent-Length: 9\r\n\r\nx",
                        b"POST / HTTP/1.1\r\n" + host + b"Content-Length: 99999999999\r\n\r\n",
                        b"POST / HTTP/1.1\r\n" + host + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n"):
            with self.subTest(request=request[:60]):
                answer = exchange(self.server, request)
                self.assertTrue(answer == b"" or answer.startswith((b"HTTP/1.1 4", b"HTTP/1.0 4")), answer[:100])

    def test_no_request_hides_in_another(self):
        inner = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
        for headers in (b"Content-Length: %d\r\nTransfer-Encoding: chunked\r\n" % len(b"0\r\n\r\n" + inner),
                        b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", b"Transfer-Encoding: identity, chunked\r\nContent-Length: 5\r\n"):
            answer = exchange(self.server, b"POST /v1/models HTTP/1.1\r\nHost: localhost\r\n" + headers + b"\r\n0\r\n\r\n" + inner)
            self.assertNotIn(b"200 OK", answer)

    def test_requests_follow_each_other_on_a_connection(self):
        request = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
        last = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        self.assertEqual(exchange(self.server, 3 * request + last).count(b"200 OK"), 4)

    def test_slow_headers_hold_up_nobody(self):
        slow = [self.server.connect() for _ in range(50)]
        for connection in slow:
            self.addCleanup(connection.close)
            connection.sendall(b"GET / HTTP/1.1\r\nHo")
        session = self.session()
        self.assertEqual(format_of(session.draw(DRAWING)), "jpeg")

    def test_two_hundred_come_and_go(self):
        connections = [self.server.connect() for _ in range(200)]
        for index, connection in enumerate(connections):
            if index % 2:
                connection.sendall(b"GET /v1/stream HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                                   b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
        for connection in connections:
            connection.close()
        until = time.monotonic() + PATIENCE
        while metric(self.server, "connections") > 1 or metric(self.server, "sessions") > 0:
            self.assertLess(time.monotonic(), until, "connections stay open")
            time.sleep(0.1)
        self.assertEqual(metric(self.server, "queue"), 0)


class OpenAi(OneServer):
    def setUp(self):
        self.client = openai.OpenAI(base_url=self.server.url + "v1", api_key="any", max_retries=0, timeout=PATIENCE)
        self.addCleanup(self.client.close)

    def test_models_are_listed(self):
        self.assertEqual([model.id for model in self.client.models.list()], ["default"])

    def test_pictures_are_generated(self):
        made = self.client.images.generate(model="default", prompt="red apple", n=2, size="64x96", response_format="b64_json", extra_body={"seed": 3})
        pictures = [base64.b64decode(image.b64_json) for image in made.data]
        self.assertEqual([size_of_png(picture) for picture in pictures], [(64, 96)] * 2)
        self.assertNotEqual(*pictures)
        again = self.client.images.generate(prompt="red apple", size="64x96", response_format="url", extra_body={"seed": 4})
        self.assertEqual(base64.b64decode(again.data[0].url.partition("base64,")[2]), pictures[1])

    def stream(self, method, **options):
        """The events of a streamed answer."""
        with method(stream=True, **options) as events:
            return list(events)

    def test_pictures_are_streamed(self):
        options = {"prompt": "red apple", "size": "64x96", "extra_body": {"seed": 3, "steps": 4}}
        events = self.stream(self.client.images.generate, partial_images=2, **options)
        self.assertEqual([event.type for event in events], ["image_generation.partial_image"] * 2 + ["image_generation.completed"])
        self.assertEqual([event.partial_image_index for event in events[:2]], [0, 1])
        pictures = [base64.b64decode(event.b64_json) for event in events]
        self.assertEqual([size_of_png(picture) for picture in pictures], [(64, 96)] * 3)
        self.assertEqual(len(set(pictures)), 3)
        last = events[-1]
        self.assertEqual((last.size, last.output_format, last.background, last.usage.total_tokens), ("64x96", "png", "opaque", 0))
        self.assertGreater(last.created_at, 1e9)
        whole = self.client.images.generate(**options)
        self.assertEqual(base64.b64decode(whole.data[0].b64_json), pictures[-1])
        fewer = self.stream(self.client.images.generate, partial_images=3, prompt="red apple", n=2, extra_body={"steps": 1})
        self.assertEqual([event.type for event in fewer], ["image_generation.completed"] * 2)

    def test_images_are_edited(self):
        options = {"prompt": "red apple", "size": "64x64", "extra_body": {"seed": 3, "strength": 0.5}}
        made = self.client.images.edit(image=("drawing.png", DRAWING), **options)
        picture = base64.b64decode(made.data[0].b64_json)
        self.assertEqual((size_of_png(picture), made.size), ((64, 64), "64x64"))
        other = png(64, 64, lambda x, y: (255 - x, 200, 10))
        several = self.client.images.edit(image=[("a.png", DRAWING), ("b.png", other)], n=2, **options)
        pictures = [base64.b64decode(image.b64_json) for image in several.data]
        self.assertEqual(len(set(pictures)), 4)
        self.assertEqual(pictures[0], picture)
        self.assertEqual(pictures[2], base64.b64decode(self.client.images.edit(image=("b.png", other), **options).data[0].b64_json))
        url = "data:image/png;base64," + base64.b64encode(DRAWING).decode()
        body = {"prompt": "red apple", "size": "64x64", "seed": 3, "strength": 0.5, "images": [{"image_url": url}]}
        self.assertEqual(self.client.post("/images/edits", body=body, cast_to=object)["data"][0]["b64_json"], made.data[0].b64_json)

    def test_edits_are_streamed(self):
        events = self.stream(self.client.images.edit, image=("drawing.png", DRAWING), prompt="red apple", size="64x64", partial_images=1,
                             output_format="jpeg", extra_body={"steps": 2, "strength": 0.8})
        self.assertEqual([event.type for event in events], ["image_edit.partial_image", "image_edit.completed"])
        self.assertEqual([format_of(base64.b64decode(event.b64_json)) for event in events], ["jpeg"] * 2)

    def test_edits_say_what_is_wrong(self):
        for options, param in (({"mask": ("mask.png", DRAWING)}, "mask"), ({"n": 11}, "n"), ({"model": "dall-e-2"}, "model"), ({"background": "transparent"}, "background"),
                               ({"partial_images": 1}, "partial_images")):
            with self.subTest(options=options), self.assertRaises(openai.BadRequestError) as refused:
                self.client.images.edit(image=("drawing.png", DRAWING), prompt="red apple", **options)
            self.assertEqual(refused.exception.param, param)
        with self.assertRaises(openai.BadRequestError) as refused:
            self.client.images.edit(image=("drawing.png", b"no picture"), prompt="red apple")
        self.assertIn("picture", str(refused.exception))
        with self.assertRaises(openai.BadRequestError) as refused:  # before the stream begins, so that the status tells
            self.stream(self.client.images.generate, prompt="red apple", size="60x64")
        self.assertEqual(refused.exception.param, "width")

    def test_whole_numbers_may_be_written_as_1_0(self):
        body = b'{"prompt": "red apple", "n": 2.0, "size": "64x64", "steps": 1.0, "seed": 3.0, "partial_images": 0.0, "stream": false}'
        status, _, answer = get(self.server, "/v1/images/generations", "POST", {"Content-Type": "application/json"}, body)
        self.assertEqual((status, len(json.loads(answer)["data"])), (200, 2), answer[:200])

    def test_an_unknown_model_is_told_the_known_ones(self):
        with self.assertRaises(openai.BadRequestError) as refused:
            self.client.images.generate(prompt="red apple", model="dall-e-3")
        self.assertIn("default", refused.exception.message)

    def test_errors_name_the_parameter(self):
        right = {"prompt": "red apple"}
        for param, value in (("n", 11), ("n", 0), ("size", "big"), ("size", "8x100000"), ("model", "dall-e-3"), ("prompt", ""), ("output_format", "bmp"),
                             ("steps", 0), ("colour", 1), ("stream", 1), ("partial_images", 4), ("background", "transparent")):
            with self.subTest(param=param, value=value), self.assertRaises(openai.BadRequestError) as refused:
                self.client.post("/images/generations", body=right | {param: value}, cast_to=object)
            if param != "size" or value == "big":
                self.assertEqual(refused.exception.param, param)

    def test_bodies_that_are_no_json_are_refused(self):
        for body in (b"", b"{", b"[]", b"[" * 100000, b"\xff\xfe", b'{"prompt": 1}'):
            with self.subTest(body=body[:20]):
                status, _, answer = get(self.server, "/v1/images/generations", "POST", {"Content-Type": "application/json"}, body)
                self.assertEqual(status, 400)
                self.assertIn("message", json.loads(answer)["error"])
        self.assertEqual(get(self.server, "/v1/images/generations", "POST", body=bytes(2 << 20))[0], 413)

    def expect(self, headers, path="/v1/images/generations"):
        """A connection on which headers have been sent that expect an answer before the body, and that answer."""
        connection = self.server.connect()
        self.addCleanup(connection.close)
        connection.sendall(f"POST {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n\r\n".encode())
        stream = connection.makefile("rb")
        self.addCleanup(stream.close)
        return connection, stream, int(stream.readline().split()[1])

    def test_expect_100_continue_is_answered_at_once(self):
        body = b'{"prompt": "red apple", "size": "64x64"}'
        connection, stream, status = self.expect(f"Expect: 100-Continue\r\nContent-Length: {len(body)}")
        self.assertEqual((status, stream.readline()), (100, b"\r\n"))
        connection.sendall(body)
        self.assertIn(b" 200 ", stream.readline())

    def test_what_is_refused_by_its_headers_is_not_asked_for(self):
        limit = 8 << 20
        for headers, path, status in ((f"Expect: 100-continue\r\nContent-Length: {2 << 20}", "/v1/images/generations", 413),
                                      (f"Expect: 100-continue\r\nContent-Length: {limit + 1}", "/v1/images/edits", 413),
                                      (f"Expect: 100-continue\r\nContent-Length: {2 << 20}", "/v1/images/edits", 100),
                                      ("Expect: a miracle\r\nContent-Length: 2", "/v1/images/generations", 417),
                                      ("Expect: 100-continue\r\nOrigin: https://evil.example\r\nContent-Length: 2", "/v1/images/generations", 403)):
            with self.subTest(headers=headers, path=path):
                self.assertEqual(self.expect(headers, path)[2], status)


class Access(OneServer):
    options = ("--token", TOKEN, "--allow-origin", "https://friend.example", "--allow-host", "studio.example")

    def status_of(self, **options):
        try:
            with Session(self.server, **options):
                return 101
        except InvalidStatus as refused:
            return refused.exception.response.status_code if hasattr(refused, "exception") else refused.response.status_code

    def test_the_token_is_asked_for(self):
        bearer = {"Authorization": f"Bearer {TOKEN}"}
        for path in ("/v1/models", "/metrics", "/stream.mjpg?session=whatever"):
            with self.subTest(path=path):
                self.assertEqual(get(self.server, path)[0], 401)
                self.assertEqual(get(self.server, path, headers={"Authorization": "Bearer other"})[0], 401)
                self.assertNotEqual(get(self.server, path, headers=bearer)[0], 401)
        self.assertEqual(get(self.server, f"/v1/models?token={TOKEN}")[0], 200)
        self.assertEqual([get(self.server, path)[0] for path in ("/", "/healthz", "/readyz")], [200] * 3)
        self.assertEqual(self.status_of(), 401)
        self.assertEqual(self.status_of(query={"token": "other"}), 401)
        self.assertEqual(self.status_of(query={"token": TOKEN}), 101)
        self.assertEqual(self.status_of(headers=bearer), 101)
        with self.server.connect() as connection:  # before the body, which may be large
            connection.sendall(b"POST /v1/images/edits HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n")
            self.assertIn(b" 401 ", connection.recv(1000))
        with self.assertRaises(openai.AuthenticationError), openai.OpenAI(base_url=self.server.url + "v1", api_key="other", max_retries=0) as client:
            client.models.list()

    def test_foreign_pages_are_refused(self):
        query = {"token": TOKEN}
        own = self.server.url.rstrip("/")
        for origin, status in (("https://evil.example", 403), ("null", 403), (own + ".evil.example", 403), (own, 101), ("https://friend.example", 101)):
            with self.subTest(origin=origin):
                self.assertEqual(self.status_of(query=query, origin=origin), status)

    def test_foreign_names_are_refused(self):
        for host, status in (("evil.example", 421), ("localhost.evil.example", 421), ("", 421), ("studio.example", 200), ("localhost:1", 200), ("[::1]", 200)):
            with self.subTest(host=host):
                self.assertEqual(get(self.server, "/", headers={"Host": host})[0], status)


class Queue(OneServer):
    options = ("--max-sessions", "1", "--max-queue", "2")

    def test_clients_wait_for_their_turn(self):
        first = self.session()
        second = self.session(wait=False)
        self.assertEqual(second.message("queue")["position"], 1)
        third = self.session(wait=False)
        self.assertEqual(third.message("queue")["position"], 2)
        self.assertEqual(get(self.server, "/readyz")[0], 503)
        self.assert_closes(self.session(wait=False), 1013)
        second.send(DRAWING)
        self.assertEqual(second.message("error")["code"], "queue")
        first.socket.close()
        self.assertIn("models", second.message("hello"))
        self.assertEqual(third.message("queue")["position"], 1)
        self.assertEqual(format_of(second.draw(DRAWING)), "jpeg")
        second.socket.close()
        self.assertEqual(format_of((third.message("hello") and third).draw(DRAWING)), "jpeg")
        self.assertEqual(metric(self.server, "queue"), 0)


class Lives(unittest.TestCase):
    """Servers with options of their own: how they start and end."""

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
            text = b"\x81\x82\0\0\0\0{}"  # masked with zeros; each is answered with an error
            try:
                for _ in range(400):
                    slow.sendall(text * 1000)
            except (TimeoutError, ConnectionError):
                pass
            self.assertEqual(server.stop(), 0)  # within PATIENCE
            slow.close()

    def test_idle_sessions_are_closed(self):
        with Server("--idle-timeout", "2") as server:
            session = Session(server)
            for _ in range(6):  # who sends stays
                time.sleep(0.4)
                session.change()
            with self.assertRaises(ConnectionClosed) as closed:
                session.message("none")
            self.assertEqual(closed.exception.rcvd.code, 1008)

    @unittest.skipUnless(pathlib.Path("/proc/self/statm").exists(), "memory is read from /proc")
    def test_memory_is_level_however_often_settings_change(self):
        """A short bench_server --measure soak: as many changes as a slider makes that is dragged."""
        if keeps_freed_memory(Server.program):
            self.skipTest("sanitizers keep freed memory")
        steps = [("settings", {"steps": count}) for count in (1, 4, 2, 4, 1, 2)]
        others = [("settings", {"strength": 0.4}), ("settings", {"seed": 7}), ("settings", {"guidance_scale": 1.5, "cfg_type": "full"}),
                  ("settings", {"guidance_scale": 1.0}), ("stream", {"width": 96, "height": 96}), ("stream", {"frame_buffer": 2}),
                  ("stream", {"width": 64, "height": 64, "frame_buffer": 1}), ("settings", {"strength": 0.7})]
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


class Tls(unittest.TestCase):
    def check(self, server, context):
        self.assertTrue(server.url.startswith("https://"))
        self.assertEqual(get(server, "/healthz", context=context)[0], 200)
        with Session(server, ssl=context) as session:
            self.assertEqual(format_of(session.draw(DRAWING)), "jpeg")
        self.assertNotIn(b"200 OK", exchange(server, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"))
        self.assertEqual(get(server, "/healthz", context=context)[0], 200)

    def test_self_signed(self):
        with Server("--tls-self-signed") as server:
            certificate = ssl.get_server_certificate(("127.0.0.1", server.port))
            context = ssl.create_default_context(cadata=certificate)
            context.verify_flags &= ~ssl.VERIFY_X509_STRICT if hasattr(ssl, "VERIFY_X509_STRICT") else -1
            self.check(server, context)  # checks the name, too

    def test_own_certificate(self):
        with tempfile.TemporaryDirectory() as folder:
            certificate, key = f"{folder}/certificate.pem", f"{folder}/key.pem"
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=test", "-addext",
                            "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate], check=True, capture_output=True)
            with Server("--tls-cert", certificate, "--tls-key", key) as server:
                self.check(server, ssl.create_default_context(cafile=certificate))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--program", default=os.environ.get("STREAMDIFFUSION", PROJECT / "build" / "streamdiffusion"))
    arguments, rest = parser.parse_known_args()
    Server.program = str(arguments.program)
    unittest.main(argv=[sys.argv[0], *rest])
