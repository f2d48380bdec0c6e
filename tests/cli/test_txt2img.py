import json
import unittest

from program import PROJECT, ProgramTest, png_texts


class Txt2img(ProgramTest):
    def test_draws_an_image_of_the_models_native_size(self):
        result = self.succeed("txt2img", "red apple", "--output", "apple.png")
        self.assertEqual(self.size_of("apple.png"), (256, 256))
        self.assertEqual(result.stdout, b"")
        self.assertGreater(len(set(self.pixels("apple.png"))), 50)

    def test_a_red_apple_is_red_on_white(self):
        self.succeed("txt2img", "red apple", "--output", "apple.png")
        pixels = self.pixels("apple.png")
        middle = pixels[(128 * 256 + 128) * 3 :][:3]
        corner = pixels[:3]
        self.assertGreater(middle[0], middle[1] + 80)
        self.assertGreater(min(corner), 200)

    def test_the_bundled_lora_draws_with_a_pencil(self):
        def colour(scale):
            lora = f"{PROJECT}/models/loras/pencil.safetensors:{scale}"
            self.succeed("txt2img", "red apple", "--lora", lora, "-o", "apple.png")
            pixels = self.pixels("apple.png")
            return sum(abs(red - blue) for red, blue in zip(pixels[::3], pixels[2::3])) / (len(pixels) / 3)

        plain, half, full = map(colour, (0, 0.5, 1))
        self.assertLess(full, 0.5 * plain)
        self.assertLess(full, half)
        self.assertLess(half, plain)

    def test_the_seed_decides_the_image(self):
        for name, seed in [("a.png", 5), ("b.png", 5), ("c.png", 6)]:
            self.succeed("txt2img", "cat face", "-o", name, "--seed", str(seed))
        self.assertEqual(self.pixels("a.png"), self.pixels("b.png"))
        self.assertNotEqual(self.pixels("a.png"), self.pixels("c.png"))

    def test_the_seed_draws_what_diffusers_draws(self):
        # The t indices of diffusers' timesteps for four steps of LCM: 999, 759, 499 and 259.
        self.succeed("txt2img", "a red boat on a lake", "--model", PROJECT / "tests/conformance/cases/models/tiny-sd15", "-o", "boat.png", "--seed", "7",
                     "--t-index-list", "0,12,25,37", "--width", "64", "--height", "64")  # fmt: skip
        ours, theirs = self.pixels("boat.png"), self.pixels(PROJECT / "tests/cli/diffusers-txt2img.png")
        self.assertEqual(len(ours), len(theirs))
        self.assertLessEqual(max(abs(a - b) for a, b in zip(ours, theirs)), 1)

    def test_each_of_several_images_has_the_next_seed(self):
        self.succeed("txt2img", "cat face", "-o", "a.png", "--seed", "5", "--count", "3", "--batch", "2")
        self.succeed("txt2img", "cat face", "-o", "b.png", "--seed", "7")
        self.assertIn("Seed: 7,", png_texts((self.folder / "a-3.png").read_bytes())["parameters"])
        self.assertLessEqual(max(abs(a - b) for a, b in zip(self.pixels("a-3.png"), self.pixels("b.png"))), 1)

    def test_a_drawn_seed_is_printed_and_draws_the_same_again(self):
        said = self.succeed("txt2img", "cat face", "-o", "a.png", "--seed", "-1").stderr.decode()
        seed = said.split("seed ")[1].split()[0]
        self.succeed("txt2img", "cat face", "-o", "b.png", "--seed", seed)
        self.assertEqual(self.pixels("a.png"), self.pixels("b.png"))

    def test_several_images_are_numbered_and_differ(self):
        self.succeed("txt2img", "cat face", "-o", "cat.png", "--count", "10", "--batch", "4")
        names = sorted(path.name for path in self.folder.iterdir())
        self.assertEqual(names, [f"cat-{i:02}.png" for i in range(1, 11)])
        self.assertEqual(len({self.pixels(name) for name in names}), 10)

    def test_a_png_carries_its_parameters(self):
        self.succeed("txt2img", "cat face, grün", "-o", "cat.png", "--seed", "7", "--t-index-list", "0,25",
                     "--negative-prompt", "dog", "--cfg-type", "full", "--guidance-scale", "1.2")  # fmt: skip
        texts = png_texts((self.folder / "cat.png").read_bytes())
        lines = texts["parameters"].splitlines()
        self.assertEqual(lines[0], "cat face, grün")
        self.assertEqual(lines[1], "Negative prompt: dog")
        for words in ["Steps: 2", "CFG scale: 1.2", "Seed: 7", "Size: 256x256", "Model: default"]:
            self.assertIn(words, lines[2])
        settings = json.loads(texts["streamdiffusion"])
        self.assertEqual(settings["prompt"], "cat face, grün")
        self.assertEqual(settings["t-index-list"], [0, 25])
        self.assertEqual(settings["guidance-scale"], 1.2)
        self.assertEqual(settings["seed"], 7)

    def test_one_side_given_leaves_the_other_native(self):
        self.succeed("txt2img", "cat face", "-o", "cat.jpg", "--width", "192")
        self.assertEqual(self.size_of("cat.jpg"), (192, 256))

    def test_standard_output_gets_the_image_and_nothing_else(self):
        result = self.succeed("txt2img", "cat face", "--output", "-")
        self.assertTrue(result.stdout.startswith(b"\x89PNG"))
        self.assertTrue(result.stdout.endswith(b"IEND\xaeB`\x82"))

    def test_quiet_says_nothing(self):
        result = self.succeed("txt2img", "cat face", "-o", "cat.png", "--quiet")
        self.assertEqual(result.stderr, b"")

    def test_a_prompt_that_is_cut_is_said_to_be_cut(self):
        result = self.succeed("txt2img", "cat " * 40, "-o", "cat.png")
        self.assertIn(b"streamdiffusion: warning: ", result.stderr)

    def test_a_negative_prompt_without_effect_is_said(self):
        result = self.succeed("txt2img", "cat", "-o", "cat.png", "--negative-prompt", "dog")
        self.assertIn(b"--negative-prompt has no effect", result.stderr)

    def test_a_delta_or_transition_without_effect_is_said(self):
        draw = ["txt2img", "cat", "-o", "cat.png"]
        for option in ["--delta", "--prompt-transition", "--seed-transition"]:
            with self.subTest(option):
                self.assertIn(f"{option} has no effect".encode(), self.succeed(*draw, option, "2").stderr)
        guided = ["--delta", "2", "--cfg-type", "self", "--guidance-scale", "1.5"]
        self.assertNotIn(b"no effect", self.succeed(*draw, *guided).stderr)

    def test_the_environment_names_the_default_model(self):
        self.fail_with(1, "nowhere", "txt2img", "cat", "-o", "x.png", environment={"STREAMDIFFUSION_MODEL": "nowhere"})


if __name__ == "__main__":
    unittest.main()
