"""Tests of the page in a real browser, served by the program.

    test_page.py [--program FILE] [--screenshot FILE] [unittest's options]

Exits with 77 if Playwright or Chromium are missing. --screenshot writes the README's image and tests nothing.
"""

import argparse
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import unittest
import urllib.parse

try:
    from playwright.sync_api import expect, sync_playwright
except ImportError:
    print("skipped: Python's playwright is missing (pip install playwright)")
    sys.exit(77)

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
if CHROMIUM is None:
    print("skipped: Chromium is missing (scripts/install-dependencies browser)")
    sys.exit(77)

PROJECT = pathlib.Path(__file__).resolve().parents[2]
SECONDS = 1000
PATIENCE = 100 * SECONDS
expect.set_options(timeout=PATIENCE)
FLAGS = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream", "--auto-accept-this-tab-capture",
         "--autoplay-policy=no-user-gesture-required"]
TOKEN = "only-for-this-test"

# JavaScript that returns a hash of each part of a canvas, with `parts` across and down; "" for an empty part. It reads a small
# copy, because browsers warn of slow canvases that are read often.
PIXELS = """(canvas, parts) => {
  const side = 72 / parts;
  const context = new OffscreenCanvas(72, 72).getContext("2d", { willReadFrequently: true });
  context.drawImage(canvas, 0, 0, 72, 72);
  const hash = (data) => data.some((value) => value) ? String(data.reduce((sum, value) => (sum * 31 + value) % 1000003, 7)) : "";
  return Array.from({ length: parts ** 2 }, (_, i) =>
    hash(context.getImageData((i % parts) * side, Math.floor(i / parts) * side, side, side).data));
}"""


class Server:
    """Runs `streamdiffusion serve` on a free port."""

    program = ""

    def __init__(self, *options, port=0):
        self.options = options
        self.start(port)

    def start(self, port):
        self.process = subprocess.Popen(
            [self.program, "serve", "--port", str(port), *self.options], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=PROJECT)
        self.url = self.process.stdout.readline().strip()
        if not re.fullmatch(r"http://127\.0\.0\.1:\d+/", self.url):
            self.stop()
            raise RuntimeError(f"serve said {self.url!r} where its address was expected")

    @property
    def port(self):
        return urllib.parse.urlsplit(self.url).port

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        finally:
            self.process.kill()
            self.process.stdout.close()


class PageTest(unittest.TestCase):
    """Base class of tests with a fresh browser profile. Checks after each test that there were no errors and no requests to other
    servers."""

    @classmethod
    def setUpClass(cls):
        cls.playwright = sync_playwright().start()
        cls.addClassCleanup(cls.playwright.stop)
        root = ["--no-sandbox"] if os.geteuid() == 0 else []
        cls.browser = cls.playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS + root)
        cls.addClassCleanup(cls.browser.close)
        cls.server = Server()
        cls.addClassCleanup(lambda: cls.server.stop())

    def setUp(self):
        self.errors = []
        self.foreign = []
        self.page = self.new_page()

    def tearDown(self):
        self.page.context.close()
        self.assertEqual(self.errors, [])
        self.assertEqual(self.foreign, [])

    def new_page(self, width=1440, height=900, **options):
        context = self.browser.new_context(viewport={"width": width, "height": height}, accept_downloads=True, **options)
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        page.on("console", lambda message: message.type in ("error", "warning") and self.errors.append(message.text))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", lambda request: self.check_address(request.url))
        page.on("websocket", lambda socket: self.check_address(socket.url))
        return page

    def check_address(self, url):
        parts = urllib.parse.urlsplit(url)
        if parts.scheme not in ("blob", "data") and parts.hostname != "127.0.0.1":
            self.foreign.append(url)

    def open(self, look="", page=None):
        page = page or self.page
        page.goto(self.server.url + (look and "#" + look))
        expect(page.locator("#status")).to_contain_text("Live")
        return page

    def pixels(self, canvas="#image"):
        return self.page.locator(canvas).evaluate(PIXELS, 1)[0]

    def wait_for_image(self, other_than=""):
        """Waits for an output that differs from `other_than`, or for any output if none is given."""
        for _ in range(PATIENCE // 100):
            pixels = self.pixels()
            if pixels not in ("", other_than):
                return pixels
            self.page.wait_for_timeout(100)
        self.fail("no new image came")

    def wait_for_rest(self):
        """Waits until the output no longer changes."""
        last, same = "", 0
        for _ in range(PATIENCE // 100):
            pixels = self.pixels()
            last, same = pixels, same + 1 if pixels == last else 0
            if pixels and same == 10:
                return pixels
            self.page.wait_for_timeout(100)
        self.fail("the image does not come to rest")

    def draw(self):
        """Draws a line over the board."""
        box = self.page.locator("#board").bounding_box()
        self.page.mouse.move(box["x"] + 40, box["y"] + 40)
        self.page.mouse.down()
        self.page.mouse.move(box["x"] + 250, box["y"] + 260, steps=20)
        self.page.mouse.up()

    def look(self):
        """Returns the settings in the address."""
        self.page.wait_for_timeout(500)
        return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.page.url).fragment))

    def set_number(self, label, value):
        field = self.page.get_by_label(label, exact=True)
        field.fill(str(value))
        field.press("Enter")


class Inputs(PageTest):
    def test_a_newcomer_sees_a_drawing_and_its_image_at_once(self):
        self.open()
        self.assertNotEqual(self.page.input_value("#prompt"), "")
        self.assertNotEqual(self.wait_for_rest(), "")

    def test_drawing_changes_the_image(self):
        self.open()
        before = self.wait_for_rest()
        self.draw()
        after = self.wait_for_image(other_than=before)
        drawn = self.wait_for_rest()
        self.page.keyboard.press("Control+z")
        self.assertNotEqual(self.wait_for_image(other_than=drawn), after)

    def test_fill_clear_undo_and_redo(self):
        self.open()
        self.wait_for_rest()
        started = self.pixels("#board")
        self.page.get_by_label("Fill", exact=True).click()
        self.page.locator("#board").click(position={"x": 8, "y": 8})
        filled = self.pixels("#board")
        self.page.get_by_label("Clear", exact=True).click()
        cleared = self.pixels("#board")
        self.assertEqual(len({started, filled, cleared}), 3)
        for button, expected in (("Undo", filled), ("Undo", started), ("Redo", filled), ("Redo", cleared)):
            self.page.get_by_label(button, exact=True).click()
            self.assertEqual(self.pixels("#board"), expected)

    def test_the_camera_gives_ever_new_images(self):
        self.open("prompt=red+apple")
        self.page.get_by_label("Camera", exact=True).first.check()
        seen = set()
        for _ in range(PATIENCE // 100):
            seen.add(self.wait_for_image())
            if len(seen) > 5:
                break
            self.page.wait_for_timeout(100)
        self.assertGreater(len(seen), 5)
        expect(self.page.locator("#fps")).to_have_text(re.compile(r"^\d+$"))
        expect(self.page.locator("#median")).to_have_text(re.compile(r"^\d+ms$"))

    def test_an_image_and_a_video_from_files(self):
        self.open("input=file&prompt=red+apple")
        self.page.set_input_files("#file", PROJECT / "docs" / "default-model-prompts.png")
        image = self.wait_for_image()
        self.page.set_input_files("#file", PROJECT / "examples" / "demo.mp4")
        video = self.wait_for_image(other_than=image)
        self.wait_for_image(other_than=video)

    def test_a_file_that_is_no_image_is_refused_with_a_reason(self):
        self.open("input=file")
        self.page.set_input_files("#file", PROJECT / "README.md")
        expect(self.page.locator(".notice")).to_contain_text("no image or video")

    def test_words_alone_give_a_grid_that_changes_with_them(self):
        self.open("input=text&grid=9&prompt=tulip")
        tulips = self.wait_for_rest()
        self.page.fill("#prompt", "octopus")
        self.wait_for_image(other_than=tulips)
        self.wait_for_rest()
        self.assertEqual(len(set(self.page.locator("#image").evaluate(PIXELS, 3))), 9)
        seed = int(self.page.get_by_label("Seed", exact=True).input_value())
        self.page.get_by_label("Go on with image 4").click()
        self.assertEqual(self.look()["seed"], str(seed + 3))
        self.assertNotIn("grid", self.look())


class Controls(PageTest):
    def test_the_prompt_takes_effect_while_typing(self):
        self.open()
        before = self.wait_for_rest()
        self.page.locator("#prompt").fill("")
        self.page.locator("#prompt").type("fire")
        self.wait_for_image(other_than=before)
        self.assertEqual(self.look()["prompt"], "fire")

    def test_examples_bring_their_sketch(self):
        self.open()
        before = self.wait_for_rest()
        self.page.get_by_role("button", name="red apple").click()
        self.wait_for_image(other_than=before)
        self.assertEqual(self.page.input_value("#prompt"), "red apple")

    def test_parameters_take_effect(self):
        self.open()
        last = self.wait_for_rest()
        for label, value in (("Strength, as a number", 0.3), ("Steps, as a number", 4), ("Seed", 77)):
            self.set_number(label, value)
            self.wait_for_image(other_than=last)
            last = self.wait_for_rest()

    def test_a_value_out_of_range_is_explained_beside_its_control(self):
        self.open()
        self.wait_for_rest()
        self.set_number("Steps, as a number", 5000)
        expect(self.page.locator(".field.refused")).to_contain_text("Steps")
        self.assertNotIn("steps", self.look())

    def test_controls_have_the_ranges_and_help_of_the_server(self):
        self.open()
        steps = self.page.get_by_label("Steps, as a number")
        expect(steps).to_have_attribute("min", "1")
        expect(steps).to_have_attribute("max", "1000")
        field = self.page.locator(".field", has=steps)
        expect(field).to_contain_text("Denoising steps: fewer are quicker")
        expect(field.locator("input[type=range]")).to_have_attribute("max", "8")
        expect(self.page.get_by_label("Frame buffer, as a number")).to_have_attribute("max", "16")
        fits = self.page.locator(".field", has=self.page.get_by_text("Fit", exact=True))
        self.assertEqual(fits.locator("input").evaluate_all("(inputs) => inputs.map(({ value }) => value)"), ["crop", "pad", "stretch"])
        missing = self.page.locator(".field-help").evaluate_all("(lines) => lines.filter((line) => line.textContent === '').length")
        self.assertEqual(missing, 0)

    def test_size_and_shape_change_the_stream(self):
        self.open()
        self.wait_for_rest()
        self.page.get_by_text("Model and image").click()
        self.page.get_by_label("Size", exact=True).last.select_option("192")
        expect(self.page.locator("#status")).to_contain_text("192 × 192")
        self.page.get_by_label("4:3", exact=True).check()
        expect(self.page.locator("#status")).to_contain_text("192 × 144")
        self.wait_for_rest()
        self.assertAlmostEqual(self.page.locator("#image").evaluate("(c) => c.width / c.height"), 4 / 3, places=2)

    def test_loras_and_models_can_be_changed(self):
        models = PROJECT / "tests" / "conformance" / "cases" / "models"
        styled = Server("--model", f"{models}/tiny-sd15", "--lora", f"{models}/tiny-sd15/lora-kohya.safetensors:0", "--offer", "small=models/default")
        self.addCleanup(styled.stop)
        self.page.goto(styled.url)
        last = self.wait_for_rest()
        self.set_number("lora-kohya, as a number", 5)
        self.wait_for_image(other_than=last)
        self.assertEqual(self.look()["lora.lora-kohya"], "5")
        self.page.get_by_text("Model and image").click()
        self.page.get_by_label("Model", exact=True).select_option("small")
        expect(self.page.locator("#status")).to_contain_text("small, 256 × 256")
        expect(self.page.get_by_label("lora-kohya, as a number")).to_have_count(0)
        self.wait_for_rest()

    def test_a_link_brings_the_same_look_to_someone_else(self):
        self.open()
        self.page.fill("#prompt", "rocket & friends")
        self.set_number("Strength, as a number", 0.45)
        self.look()
        other = self.new_page()
        other.goto(self.page.url)
        expect(other.locator("#prompt")).to_have_value("rocket & friends")
        expect(other.get_by_label("Strength, as a number")).to_have_value("0.45")
        other.context.close()


class Around(PageTest):
    def test_an_image_and_a_video_can_be_saved(self):
        self.open("input=camera")
        self.wait_for_image()
        with self.page.expect_download() as image:
            self.page.keyboard.press("s")
        self.assertEqual(pathlib.Path(image.value.path()).read_bytes()[:8], b"\x89PNG\r\n\x1a\n")
        self.page.keyboard.press("r")
        self.page.wait_for_timeout(2000)
        with self.page.expect_download() as video:
            self.page.keyboard.press("r")
        self.assertGreater(os.path.getsize(video.value.path()), 1000)

    def test_a_lost_connection_is_told_and_comes_back_with_the_same_look(self):
        self.open()
        self.page.fill("#prompt", "evergreen tree")
        before = self.wait_for_rest()
        port = self.server.port
        self.server.stop()
        expect(self.page.locator("#status")).to_contain_text("Lost")
        expect(self.page.locator("#output-note")).to_contain_text("Connection lost")
        self.server.start(port)
        expect(self.page.locator("#status")).to_contain_text("Live")
        expect(self.page.locator("#output-note")).to_be_hidden()
        self.assertEqual(self.page.input_value("#prompt"), "evergreen tree")
        self.draw()
        self.wait_for_image(other_than=before)
        self.errors = [error for error in self.errors if "ERR_CONNECTION_REFUSED" not in error]

    def test_a_token_is_asked_for(self):
        guarded = Server("--token", TOKEN)
        self.addCleanup(guarded.stop)
        self.page.goto(guarded.url)
        for token, shown in (("wrong", True), (TOKEN, False)):
            self.page.locator("#token").fill(token)
            self.page.keyboard.press("Enter")
            expect(self.page.locator("#unlock-wrong")).to_be_visible(visible=shown)
        expect(self.page.locator("#status")).to_contain_text("Live")
        self.page.goto("about:blank")
        self.page.goto(f"{guarded.url}#token={TOKEN}&prompt=fire")
        expect(self.page.locator("#status")).to_contain_text("Live")
        self.assertNotIn(TOKEN, self.page.url)
        self.errors = [error for error in self.errors if not re.search("401|credentials", error)]

    def test_who_waits_is_told_the_place_in_the_queue(self):
        small = Server("--max-sessions", "1")
        self.addCleanup(small.stop)
        first = self.new_page()
        first.goto(small.url)
        expect(first.locator("#status")).to_contain_text("Live")
        self.page.goto(small.url)
        expect(self.page.locator("#output-note")).to_contain_text("Number 1 in line")
        first.context.close()
        expect(self.page.locator("#status")).to_contain_text("Live")
        expect(self.page.locator("#output-note")).to_be_hidden()
        self.wait_for_image()

    def test_a_page_that_was_left_alone_goes_on_at_a_touch(self):
        sleepy = Server("--idle-timeout", "3")
        self.addCleanup(sleepy.stop)
        self.page.goto(sleepy.url)
        expect(self.page.locator("#status")).to_have_text("Asleep")
        self.page.locator("#prompt").fill("fire")
        self.page.keyboard.press("Escape")
        expect(self.page.locator("#status")).to_contain_text("Live")
        self.assertEqual(self.page.input_value("#prompt"), "fire")

    def test_everything_is_reached_with_the_tab_key_and_has_a_name(self):
        self.open()
        self.wait_for_rest()
        reached = []
        for _ in range(100):
            self.page.keyboard.press("Tab")
            reached.append(self.page.evaluate("""() => {
              const element = document.activeElement;
              const named = element.ariaLabel || element.labels?.[0]?.textContent || element.textContent;
              return [element.id || element.dataset.action || element.name || element.className, named.trim()];
            }"""))
            if reached.count(reached[0]) > 1:
                break
        names = {name for name, _ in reached}
        for wanted in ("prompt", "input", "board", "brush-size", "share", "help", "pause", "record", "full-screen"):
            self.assertIn(wanted, names)
        self.assertTrue(any(name.startswith("control-") for name in names))
        self.assertEqual([name for name, label in reached if not label and name], [])

    def test_keys_do_what_buttons_do(self):
        self.open()
        self.wait_for_rest()
        self.page.keyboard.press("d")
        self.assertIn("seed", self.look())
        self.page.keyboard.press("ArrowDown")
        self.assertEqual(self.look()["strength"], "0.45")
        self.page.keyboard.press("5")
        self.assertEqual(self.look()["input"], "text")
        self.page.keyboard.press("1")
        self.page.keyboard.press("c")
        before = self.pixels("#board")
        for key in ("Space", "ArrowRight", "ArrowRight", "ArrowDown", "Space"):
            self.page.keyboard.press(key)
        self.assertNotEqual(self.pixels("#board"), before)
        self.page.keyboard.press("?")
        expect(self.page.locator("#help")).to_be_visible()
        self.page.keyboard.press("Escape")
        self.page.keyboard.press("/")
        self.assertEqual(self.page.evaluate("document.activeElement.id"), "prompt")
        self.page.keyboard.type("s5")
        self.assertTrue(self.page.input_value("#prompt").endswith("s5"))

    def test_a_phone_shows_all_of_it_without_scrolling_sideways(self):
        self.page.context.close()
        self.page = self.new_page(390, 844, has_touch=True, is_mobile=True)
        self.open()
        self.wait_for_rest()
        for view in ("Image", "Controls"):
            self.page.get_by_role("button", name=view, exact=True).tap()
            self.assertLessEqual(self.page.evaluate("document.scrollingElement.scrollWidth"), 390)
        expect(self.page.locator("#controls")).to_be_visible()
        expect(self.page.locator("#board")).to_be_hidden()

    def test_dark_and_light(self):
        self.open()
        ground = lambda: self.page.evaluate("getComputedStyle(document.body).backgroundColor")
        light = ground()
        self.page.get_by_label("Dark or light").click()
        self.assertNotEqual(ground(), light)
        chosen = ground()
        self.page.reload()
        self.assertEqual(ground(), chosen)


def take_screenshot(path):
    server = Server()
    with sync_playwright() as playwright:
        root = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS + root)
        page = browser.new_page(viewport={"width": 1440, "height": 900}, color_scheme="dark")
        page.goto(server.url)
        expect(page.locator("#status")).to_contain_text("Live")
        page.wait_for_timeout(6 * SECONDS)
        page.screenshot(path=path)
        browser.close()
    server.stop()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--program", default=os.environ.get("STREAMDIFFUSION", PROJECT / "build" / "streamdiffusion"))
    parser.add_argument("--screenshot")
    arguments, rest = parser.parse_known_args()
    Server.program = str(arguments.program)
    if arguments.screenshot:
        take_screenshot(arguments.screenshot)
    else:
        unittest.main(argv=[sys.argv[0], *rest])
