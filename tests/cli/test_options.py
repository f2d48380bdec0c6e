import json
import re
import shutil
import unittest

from program import PROJECT, ProgramTest, png_texts

DRAW = ["txt2img", "cat face", "-o", "x.png"]


class Options(ProgramTest):
    def settings(self, *arguments):
        self.succeed(*arguments)
        return json.loads(png_texts((self.folder / "x.png").read_bytes())["streamdiffusion"])

    def test_the_version(self):
        self.assertRegex(self.succeed("--version").stdout.decode(), r"^streamdiffusion \d+\.\d+\.\d+\n$")

    def test_help_documents_every_option_with_its_default_and_an_example(self):
        for command in ["txt2img", "img2img", "run", "serve"]:
            text = self.succeed(command, "--help").stdout.decode()
            self.assertIn(f"\n  streamdiffusion {command} ", text)
            # An option is indented by two spaces, its text by more.
            entries = re.split(r"\n(?=  -)", text.split("\nExamples:")[0])[1:]
            for entry in entries:
                name, value = re.match(r"  (?:-\w,)?--([\w-]+) ?(\S*)", entry).groups()
                if value and name not in ["prompt", "output"]:
                    self.assertIn("(default:", entry)
                    self.assertNotIn("likewise", entry)
            self.assertGreater(len(entries), 25)
            self.assertLessEqual(max(map(len, text.splitlines())), 115)

    def test_wrong_usage_is_status_2_and_points_to_the_help(self):
        help_of = "see streamdiffusion txt2img --help"
        self.fail_with(2, "--help")
        self.fail_with(2, "bogus", "bogus")
        self.fail_with(2, ["PROMPT", help_of], "txt2img")
        self.fail_with(2, ["--output", help_of], "txt2img", "cat")
        self.fail_with(2, ["--nope", help_of], *DRAW, "--nope")
        for option, value in [("--width", "0"), ("--seed", "99999999999999999999"), ("--seed", "-2"), ("--seed", "7:x"), ("--steps", "two"),
                              ("--strength", "1.5"), ("--strength", "0"), ("--max-skip-frame", "1000001"), ("--guidance-scale", "nan"), ("--cfg-type", "some"),
                              ("--device", "abacus"), ("--threads", "-1")]:  # fmt: skip
            with self.subTest(option):
                self.fail_with(2, [option, value], *DRAW, option, value)
        self.fail_with(2, "--t-index-list", *DRAW, "--steps", "2", "--t-index-list", "1,2")

    def test_a_command_that_there_is_not_is_named_with_those_that_there_are(self):
        self.fail_with(2, ['"runn" is not a command', "txt2img", "img2img", "run", "serve", "models", "devices", "bench"], "runn", "in", "out")
        self.fail_with(2, ['"lst" is not a command', "list, pull, info, remove"], "models", "lst")

    def test_a_typographic_dash_in_place_of_hyphens_is_said(self):
        for dash in "\u2013\u2014\u2212":
            self.fail_with(2, [f"{dash}prompt", "hyphens", "--prompt"], "run", "in", "out", f"{dash}prompt", "apple")
            self.fail_with(2, [f"{dash}o", "hyphens", ": -o"], "txt2img", "apple", f"{dash}o", "x.png")
        self.assertEqual(self.settings("txt2img", "\u2013 a cat", "-o", "x.png")["prompt"], "\u2013 a cat")

    def test_values_that_do_not_suit_are_status_1(self):
        for option, value, words in [("--width", "100", ["100", "96", "104"]), ("--t-index-list", "5,3", "increase"),
                                     ("--t-index-list", "5,50", "50"), ("--t-index-list", "5,", "5,"),
                                     ("--steps", "60", "60"), ("--t-index-list", "5,1000", "from 0 to 999"),
                                     ("--lora", "x.safetensors:1001", "from -1000 to 1000"),
                                     ("--model", "nowhere", "nowhere"), ("--vae", "nowhere", "nowhere"),
                                     ("--lora", "nowhere.safetensors:0.5", "nowhere.safetensors:"),
                                     ("--lora", "x.safetensors:abc", ['"abc" is no scale', "x.safetensors:0.8"]),
                                     ("--lora", "x.safetensors:0,8", '"0,8" is no scale'),
                                     ("--lora", "x.safetensors:0.8:0.5", ["several scales", "x.safetensors:0.8"]),
                                     ("--lora", "12:30.safetensors", "12:30.safetensors: cannot be read"),
                                     ("--model", "sd-turbo", ["--preset sd-turbo", "stabilityai/sd-turbo"]),
                                     ("--clip-skip", "50", "50")]:  # fmt: skip
            with self.subTest(f"{option} {value}"):
                self.fail_with(1, words, *DRAW, option, value)

    def test_a_guidance_embedding_is_for_models_that_take_one(self):
        model = str(PROJECT / "tests/conformance/cases/models/tiny-v")
        self.fail_with(1, "time_cond_proj_dim", *DRAW, "--guidance-embedding", "7.5")
        taken = self.settings(*DRAW, "--model", model, "--guidance-embedding", "7.5")
        self.assertEqual(taken["guidance-embedding"], 7.5)

    def test_a_prompt_that_is_not_utf8_is_refused(self):
        self.fail_with(1, "UTF-8", "txt2img", b"a\xff\xfeb", "-o", "x.png")
        self.fail_with(1, "UTF-8", *DRAW, "--negative-prompt", b"\xc3")

    def test_a_model_that_is_damaged_is_refused(self):
        for part, words in [("unet/*.safetensors", "safetensors"), ("unet/config.json", "config.json"),
                            ("tokenizer/merges.txt", "tokenizer")]:  # fmt: skip
            with self.subTest(part):
                shutil.copytree(PROJECT / "models" / "default", self.folder / "model")
                found = next((self.folder / "model").glob(part))
                found.write_bytes(found.read_bytes()[: found.stat().st_size // 2])
                self.fail_with(1, words, *DRAW, "--model", "model")
                shutil.rmtree(self.folder / "model")

    def test_options_come_from_a_json_file_and_the_command_line_first(self):
        config = self.make_config({"seed": 11.0, "t-index-list": [0, 30.0], "no-added-noise": True, "guidance-scale": 1.5})
        found = self.settings(*DRAW, "--config", config, "--seed", "12")
        self.assertEqual(found["seed"], 12)
        self.assertEqual(found["t-index-list"], [0, 30])
        self.assertTrue(found["no-added-noise"])
        self.assertEqual(found["guidance-scale"], 1.5)
        self.assertEqual(len(self.settings(*DRAW, "--config", config, "--steps", "3")["t-index-list"]), 3)

    def test_the_description_of_an_image_draws_it_again(self):
        found = self.settings(*DRAW, "--seed", "9", "--strength", "0.8", "--steps", "3", "--no-added-noise", "--cross-frame-attention")
        image = (self.folder / "x.png").read_bytes()
        config = self.make_config({key: value for key, value in found.items() if key not in ["version", "model", "vae"]})
        self.assertEqual(self.settings("txt2img", "--config", config, "-o", "x.png"), found)
        self.assertEqual((self.folder / "x.png").read_bytes(), image)

    def test_prompt_and_output_may_come_from_the_file_too(self):
        config = self.make_config({"prompt": "cat face", "output": "x.png"})
        self.assertEqual(self.settings("txt2img", "--config", config)["prompt"], "cat face")

    def test_several_prompts_and_seeds_are_blended(self):
        found = self.settings("txt2img", "--prompt", "cat face:0.7", "--prompt", "owl", "--prompt-blend", "slerp",
                              "--seed", "3:2", "--seed", "5", "-o", "x.png")  # fmt: skip
        self.assertEqual(found["prompt"], ["cat face:0.7", "owl:1"])
        self.assertEqual(found["prompt-blend"], "slerp")
        self.assertEqual(found["seed"], ["3:2", "5:1"])
        again = self.make_config({key: found[key] for key in ["prompt", "prompt-blend", "seed"]} | {"output": "x.png"})
        image = (self.folder / "x.png").read_bytes()
        self.assertEqual(self.settings("txt2img", "--config", again)["prompt"], found["prompt"])
        self.assertEqual((self.folder / "x.png").read_bytes(), image)

    def test_a_single_prompt_may_hold_a_colon(self):
        self.assertEqual(self.settings("txt2img", "--prompt", "cat: 3:2", "-o", "x.png")["prompt"], "cat: 3:2")

    def test_weights_without_a_sum_are_refused(self):
        self.fail_with(1, "prompts", "txt2img", "--prompt", "cat:0", "--prompt", "owl:0", "-o", "x.png")
        self.fail_with(1, "seeds", *DRAW, "--seed", "1:-1", "--seed", "2")

    def test_prompts_may_name_loras_and_embeddings_and_weigh_words(self):
        model = PROJECT / "tests/conformance/cases/models/tiny-sd15"
        (self.folder / "loras").mkdir()
        shutil.copy(model / "lora-kohya.safetensors", self.folder / "loras" / "ink.safetensors")
        draw = ["txt2img", "-o", "x.png", "--model", model, "--width", "32", "--height", "32", "--vae", model / "vae"]
        images = {}
        for prompt in ["a <lora:ink:0.8> boat", "a  boat", "a  (boat:1.5)"]:
            found = self.settings(*draw, prompt, "--lora-dir", "loras", "--prompt-weights")
            self.assertEqual(found["prompt"], prompt)
            images[prompt] = self.pixels("x.png")
        self.assertEqual(len(set(images.values())), 3)
        self.fail_with(1, ["nothing", "ink"], *draw, "<lora:nothing:1>", "--lora-dir", "loras")
        self.fail_with(1, ["ink", "--lora-dir"], *draw, "a <lora:ink:0.8> boat")
        self.fail_with(1, ["negative prompt", "<lora:"], *draw, "a", "--negative-prompt", "<lora:ink:1>")
        self.fail_with(1, "nowhere", *draw, "a", "--lora-dir", "nowhere")
        self.fail_with(1, "nowhere.safetensors", *draw, "a", "--embedding", "nowhere.safetensors:word")
        self.fail_with(1, "any code", *draw, "a", "--embedding", "x.pt")

    def test_mistakes_in_the_file_name_the_file_and_the_key(self):
        for options, words in [({"stepz": 2, "foo": 1}, ["stepz", "foo"]), ({"steps": "two"}, ["steps", "two"]),
                               ({"steps": True}, "steps"), ({"quiet": 1}, "quiet"), ({"steps": {"a": 1}}, "steps"),
                               ({"steps": 2, "t-index-list": [1]}, "steps"), ([1], "object"), ("{", "JSON"),
                               ({"config": "x"}, "config"), ({"strength": 7}, ["strength", "7"])]:  # fmt: skip
            with self.subTest(options):
                config = self.make_config(options)
                expected = words if isinstance(words, list) else [words]
                self.fail_with(1, [config, *expected], *DRAW, "--config", config)
        self.fail_with(1, "nofile.json", *DRAW, "--config", "nofile.json")


if __name__ == "__main__":
    unittest.main()
