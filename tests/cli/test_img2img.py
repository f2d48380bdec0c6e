import unittest

from program import ProgramTest, png_texts


class Img2img(ProgramTest):
    def test_the_short_side_is_native_and_the_aspect_kept(self):
        self.make_image("in.png", "320x180")
        self.succeed("img2img", "in.png", "cat face", "--output", "out.png")
        self.assertEqual(self.size_of("out.png"), (456, 256))
        self.assertIn("parameters", png_texts((self.folder / "out.png").read_bytes()))

    def test_one_side_gives_the_other_by_the_aspect(self):
        self.make_image("in.png", "320x180")
        self.succeed("img2img", "in.png", "cat face", "-o", "out.png", "--height", "64")
        self.assertEqual(self.size_of("out.png"), (112, 64))

    def test_little_strength_keeps_the_input(self):
        self.ffmpeg("-f", "lavfi", "-i", "color=0x2040c0:size=128x128", "-frames:v", "1", "blue.png")

        def distance(strength):
            self.succeed("img2img", "blue.png", "red apple", "-o", "out.png", "--strength", strength, "--steps", "1")
            blue, out = self.pixels("blue.png"), self.pixels("out.png")
            return sum(abs(a - b) for a, b in zip(blue, out)) / len(blue)

        self.assertLess(distance("0.05"), 0.5 * distance("1"))

    def test_fit_decides_what_becomes_of_the_overhang(self):
        self.make_image("in.png", "128x64")
        size = ["--width", "64", "--height", "64", "--strength", "0.05", "--steps", "1"]
        images = set()
        for fit in ["crop", "pad", "stretch"]:
            self.succeed("img2img", "in.png", "cat", "-o", "out.png", "--fit", fit, *size)
            images.add(self.pixels("out.png"))
        self.assertEqual(len(images), 3)

    def test_reads_and_writes_pipes(self):
        self.make_image("in.png")
        result = self.succeed("img2img", "-", "cat", "-o", "-", stdin=(self.folder / "in.png").read_bytes())
        self.assertTrue(result.stdout.startswith(b"\x89PNG"))

    def test_an_image_that_is_missing_cut_short_or_none_is_refused(self):
        self.make_image("in.png")
        whole = (self.folder / "in.png").read_bytes()
        (self.folder / "cut.png").write_bytes(whole[: len(whole) // 2])
        (self.folder / "text.png").write_text("hello")
        self.fail_with(1, "nofile.png", "img2img", "nofile.png", "cat", "-o", "out.png")
        self.fail_with(1, ["cut.png", "cut short"], "img2img", "cut.png", "cat", "-o", "out.png")
        self.fail_with(1, "text.png", "img2img", "text.png", "cat", "-o", "out.png")


if __name__ == "__main__":
    unittest.main()
