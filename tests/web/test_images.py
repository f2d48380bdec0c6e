"""Tests of OpenAI's images API with OpenAI's own client."""

import base64
import json

from server_test import DRAWING, OneServer, get, main  # First, because it reports missing packages.

import openai
from server_client import PATIENCE, format_of, png, read_png, size_of_png


class OpenAi(OneServer):
    def setUp(self):
        self.client = openai.OpenAI(base_url=self.server.url + "v1", api_key="any", max_retries=0, timeout=PATIENCE)
        self.addCleanup(self.client.close)

    def test_models_are_listed(self):
        self.assertEqual([model.id for model in self.client.models.list()], ["default"])

    def test_images_are_generated(self):
        made = self.client.images.generate(model="default", prompt="red apple", n=2, size="64x96", response_format="b64_json", extra_body={"seed": 3})
        images = [base64.b64decode(image.b64_json) for image in made.data]
        self.assertEqual([size_of_png(image) for image in images], [(64, 96)] * 2)
        self.assertNotEqual(*images)
        again = self.client.images.generate(prompt="red apple", size="64x96", response_format="url", extra_body={"seed": 4})
        self.assertEqual(base64.b64decode(again.data[0].url.partition("base64,")[2]), images[1])

    def stream(self, method, **options):
        """Returns the events of a streamed answer."""
        with method(stream=True, **options) as events:
            return list(events)

    def test_images_are_streamed(self):
        options = {"prompt": "red apple", "size": "64x96", "extra_body": {"seed": 3, "steps": 4}}
        events = self.stream(self.client.images.generate, partial_images=2, **options)
        self.assertEqual([event.type for event in events], ["image_generation.partial_image"] * 2 + ["image_generation.completed"])
        self.assertEqual([event.partial_image_index for event in events[:2]], [0, 1])
        images = [base64.b64decode(event.b64_json) for event in events]
        self.assertEqual([size_of_png(image) for image in images], [(64, 96)] * 3)
        self.assertEqual(len(set(images)), 3)
        last = events[-1]
        self.assertEqual((last.size, last.output_format, last.background, last.usage.total_tokens), ("64x96", "png", "opaque", 0))
        self.assertGreater(last.created_at, 1e9)
        whole = self.client.images.generate(**options)
        self.assertEqual(base64.b64decode(whole.data[0].b64_json), images[-1])
        fewer = self.stream(self.client.images.generate, partial_images=3, prompt="red apple", n=2, extra_body={"steps": 1})
        self.assertEqual([event.type for event in fewer], ["image_generation.completed"] * 2)

    def test_images_are_edited(self):
        options = {"prompt": "red apple", "size": "64x64", "extra_body": {"seed": 3, "strength": 0.5}}
        made = self.client.images.edit(image=("drawing.png", DRAWING), **options)
        image = base64.b64decode(made.data[0].b64_json)
        self.assertEqual((size_of_png(image), made.size), ((64, 64), "64x64"))
        other = png(64, 64, lambda x, y: (255 - x, 200, 10))
        several = self.client.images.edit(image=[("a.png", DRAWING), ("b.png", other)], n=2, **options)
        images = [base64.b64decode(image.b64_json) for image in several.data]
        self.assertEqual(len(set(images)), 4)
        self.assertEqual(images[0], image)
        self.assertEqual(images[2], base64.b64decode(self.client.images.edit(image=("b.png", other), **options).data[0].b64_json))
        url = "data:image/png;base64," + base64.b64encode(DRAWING).decode()
        body = {"prompt": "red apple", "size": "64x64", "seed": 3, "strength": 0.5, "images": [{"image_url": url}]}
        self.assertEqual(self.client.post("/images/edits", body=body, cast_to=object)["data"][0]["b64_json"], made.data[0].b64_json)

    def test_an_edit_keeps_what_its_mask_covers(self):
        image = png(64, 64)
        mask = png(64, 64, lambda x, y: (0, 0, 0, 255 if x < 32 else 0))
        options = {"prompt": "red apple", "size": "64x64", "extra_body": {"seed": 3, "strength": 0.8}}

        def edit(**more):
            made = self.client.images.edit(image=[("a.png", image), ("b.png", image)], **options, **more)
            return [read_png(base64.b64decode(answer.b64_json)) for answer in made.data]

        whole, _ = edit()
        masked, second = edit(mask=("mask.png", mask))
        original = read_png(image)
        for y in range(64):
            self.assertEqual(masked[y][: 32 * 3], original[y][: 32 * 3])
            self.assertEqual(masked[y][32 * 3 :], whole[y][32 * 3 :])
        self.assertNotEqual(whole, original)
        self.assertEqual(second, whole)  # As in OpenAI's API, the mask belongs to the first image.
        url = "data:image/png;base64,"
        body = {"prompt": "red apple", "size": "64x64", "seed": 3, "strength": 0.8, "images": [{"image_url": url + base64.b64encode(image).decode()}],
                "mask": {"image_url": url + base64.b64encode(mask).decode()}}
        made = self.client.post("/images/edits", body=body, cast_to=object)
        self.assertEqual(read_png(base64.b64decode(made["data"][0]["b64_json"])), masked)

    def test_edits_are_streamed(self):
        events = self.stream(self.client.images.edit, image=("drawing.png", DRAWING), prompt="red apple", size="64x64", partial_images=1,
                             output_format="jpeg", extra_body={"steps": 2, "strength": 0.8})
        self.assertEqual([event.type for event in events], ["image_edit.partial_image", "image_edit.completed"])
        self.assertEqual([format_of(base64.b64decode(event.b64_json)) for event in events], ["jpeg"] * 2)

    def test_edits_say_what_is_wrong(self):
        for options, param in (({"mask": ("mask.png", DRAWING)}, "mask"), ({"mask": ("mask.png", b"no image")}, "mask"),
                               ({"mask": ("mask.png", png(8, 8, lambda x, y: (0, 0, 0, 0)))}, "mask"), ({"n": 11}, "n"), ({"model": "dall-e-2"}, "model"), ({"background": "transparent"}, "background"),
                               ({"partial_images": 1}, "partial_images")):
            with self.subTest(options=options), self.assertRaises(openai.BadRequestError) as refused:
                self.client.images.edit(image=("drawing.png", DRAWING), prompt="red apple", **options)
            self.assertEqual(refused.exception.param, param)
        with self.assertRaises(openai.BadRequestError) as refused:
            self.client.images.edit(image=("drawing.png", b"no image"), prompt="red apple")
        self.assertIn("not a PNG, JPEG or WebP image", str(refused.exception))
        with self.assertRaises(openai.BadRequestError) as refused:  # The error comes before the stream begins, as the status.
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
        """Sends headers that expect an answer before the body. Returns the connection and that answer."""
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


if __name__ == "__main__":
    main()
