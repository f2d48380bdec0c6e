"""Tests of sessions and of the queue for them (docs/server.md), and of wrong clients."""

import collections
import json
import time

from server_test import DRAWING, OneServer, get, main, metric  # First, because it reports missing packages.

from server_client import DROPPED, IMAGE, PATIENCE, SKIPPED, UNREADABLE, Session, format_of, png_header, size_of_png
from websockets.exceptions import ConnectionClosed, InvalidStatus


class Sessions(OneServer):
    def test_hello_tells_all_settings_models_and_limits(self):
        hello = self.session().hello
        self.assertEqual(hello["protocol"], 1)
        self.assertEqual((hello["settings"]["strength"], hello["settings"]["steps"]), (0.5, 2))
        self.assertEqual((hello["stream"]["width"], hello["stream"]["height"]), (256, 256))
        self.assertEqual([(model["id"], model["loaded"]) for model in hello["models"]], [("default", True)])
        self.assertEqual(hello["limits"]["frames_under_way"], 16)
        self.assertEqual(set(hello["schema"]), set(hello["settings"]))
        self.assertEqual(set(hello["stream_schema"]), set(hello["stream"]))
        self.assertEqual(hello["stream_schema"]["width"]["maximum"], hello["limits"]["largest_side"])
        steps = hello["schema"]["steps"]
        self.assertEqual((steps["type"], steps["minimum"], steps["maximum"]), ("integer", 1, 1000))
        self.assertGreaterEqual(len(hello["session"]), 8)

    def test_settings_are_in_effect_when_they_are_answered(self):
        session = self.session()
        images = []
        for prompt in ("red apple", "blue bird"):
            answer = session.change(prompt=prompt, strength=1, seed=5)
            self.assertEqual((answer["settings"]["prompt"], answer["settings"]["seed"]), (prompt, 5))
            self.assertEqual(set(answer["settings"]), set(session.hello["settings"]))
            images.append(session.draw())
        self.assertNotEqual(*images)

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

    def test_images_come_and_go_in_all_formats(self):
        session = self.session()
        images = {"png": DRAWING}
        for name in ("jpeg", "webp", "png"):
            session.change("stream", format=name)
            images[name] = session.draw(images["png"])
            self.assertEqual(format_of(images[name]), name)
        drawn = [session.draw(image) for image in images.values()]
        self.assertEqual([format_of(image) for image in drawn], ["png"] * 3)

    def test_quality_makes_images_larger(self):
        session = self.session()
        session.change("stream", quality=10)
        small = session.draw(DRAWING)
        session.change("stream", quality=95)
        self.assertGreater(len(session.draw(DRAWING)), len(small))

    def test_number_time_and_variation_come_back(self):
        session = self.session()
        for number, variation, time_ in ((0, 0, 0.0), (4294967295, 65535, -1e300), (7, 1, float("inf"))):
            for image in (DRAWING, b""):
                session.send(image, number, variation, time_)
                answer = session.answer()
                self.assertEqual((answer.number, answer.variation, answer.time), (number, variation, time_))
                self.assertEqual(answer.state, IMAGE)

    def test_every_frame_is_answered_once_and_the_newest_wins(self):
        session = self.session()
        session.change(steps=4)
        count = 120
        for number in range(count):
            session.send(DRAWING, number)
        answers = [session.answer() for _ in range(count)]
        self.assertEqual(sorted(answer.number for answer in answers), list(range(count)))
        states = {answer.number: answer.state for answer in answers}
        self.assertEqual(states[count - 1], IMAGE)
        self.assertEqual(set(states.values()), {IMAGE, DROPPED})
        shown = [answer.number for answer in answers if answer.state == IMAGE]
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
        images = [first.draw(variation=variation) for variation in range(4)]
        self.assertEqual(len(set(images)), 4)
        self.assertEqual(first.draw(variation=2), images[2])
        second = self.session()
        second.change(prompt="red apple", seed=10)
        self.assertEqual(second.draw(variation=1), images[2])
        second.draw(DRAWING)
        self.assertEqual(second.draw(variation=1), images[2])

    def test_text_to_image_waits_in_a_line_of_limited_length(self):
        session = self.session()
        count = 60
        for number in range(count):
            session.send(number=number, variation=number)
        states = {answer.number: answer.state for answer in (session.answer() for _ in range(count))}
        self.assertEqual([states[number] for number in range(count - 16, count)], [IMAGE] * 16)
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

    def test_unreadable_images_are_told(self):
        session = self.session()
        huge = png_header(60000, 60000)
        for image in (b"garbage", DRAWING[:100], DRAWING[:8], b"\xff\xd8\xff\xe0", b"RIFF\xff\xff\xff\xffWEBPVP8 ", huge, b"\0" * 100000,
                        b"GIF89a" + bytes(100), b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"#EXTM3U\nhttp://127.0.0.1/x\n"):
            with self.subTest(image=image[:20]):
                session.send(image)
                self.assertEqual(session.answer().state, UNREADABLE)
                self.assertEqual(session.message("error")["code"], "image")
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
        self.assertGreater(time.monotonic() - start, 0.9)  # The server takes 500 at once, then 500 per second.

    def test_a_client_that_sends_a_frame_for_each_answer_is_served(self):
        session = self.session()
        under_way = session.hello["limits"]["frames_under_way"]
        for number in range(under_way):
            session.send(DRAWING, number)
        states = collections.Counter()
        for number in range(under_way, under_way + 2000):
            states[session.answer().state] += 1
            session.send(DRAWING, number)
        self.assertEqual(set(states), {IMAGE, DROPPED})
        self.assertGreater(states[IMAGE], 20)

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


if __name__ == "__main__":
    main()
