"""Tests of models that are used by their names on a hub, and of the command models."""

import gzip
import json
import unittest

from hub_server import Repository, from_folder
from hub_test import MODELS, SMALL, UNET, HubTest, paths_below
from program import png_texts


class Use(HubTest):
    def test_a_stream_runs_from_a_name(self):
        self.serve({"someone/tiny": from_folder(MODELS / "tiny-sd15")})
        self.make_video("in.mkv", frames=3)
        self.succeed("run", "in.mkv", "out.mkv", "--prompt", "cat", "--model", "someone/tiny", *SMALL)
        self.assertEqual(self.probe("out.mkv")["video"]["nb_read_frames"], "3")

    def test_a_name_draws_what_the_folder_draws_and_is_told_in_the_image(self):
        self.serve({"someone/tiny": from_folder(MODELS / "tiny-sd15")})
        self.draw("folder.png", "--model", MODELS / "tiny-sd15")
        self.draw("name.png", "--model", "someone/tiny")
        self.assertEqual(self.pixels("folder.png"), self.pixels("name.png"))
        self.assertIn("Model: someone/tiny", png_texts((self.folder / "name.png").read_bytes())["parameters"])

    def test_a_path_that_exists_wins(self):
        hub = self.serve({})
        (self.folder / "someone").mkdir()
        (self.folder / "someone/tiny").symlink_to(MODELS / "tiny-sd15")
        self.draw("a.png", "--model", "someone/tiny")
        self.assertEqual(hub.requests, [])

    def test_without_a_network_the_cache_does(self):
        self.serve({"someone/tiny": from_folder(MODELS / "tiny-sd15")})
        self.fail(["not in the cache", "HF_HUB_OFFLINE"], "models", "pull", "someone/tiny",
                  environment={"HF_HUB_OFFLINE": "1"})  # fmt: skip
        self.pull("someone/tiny")
        nobody = {"HF_ENDPOINT": "http://127.0.0.1:1"}
        self.draw("a.png", "--model", "someone/tiny", environment={**nobody, "HF_HUB_OFFLINE": "1"})
        said = self.draw("b.png", "--model", "someone/tiny", environment=nobody).stderr
        self.assertIn(b"from the cache", said)
        self.fail(["someone/other", "connection"], "models", "pull", "someone/other", environment=nobody)

    def test_taesd_is_the_autoencoder_of_models_from_the_hub(self):
        taesd = MODELS / "tiny-sd15/vae"
        self.serve({"someone/kl": from_folder(MODELS / "tiny-kl"), "madebyollin/taesd": from_folder(taesd)})
        offline = {"HF_HUB_OFFLINE": "1"}
        self.draw("own.png", "--model", MODELS / "tiny-kl", environment=offline)
        self.draw("small.png", "--model", MODELS / "tiny-kl", "--vae", taesd)
        own, small = self.pixels("own.png"), self.pixels("small.png")
        self.assertNotEqual(own, small)
        # A folder keeps its own autoencoder while TAESD is not in the cache.
        self.draw("a.png", "--model", MODELS / "tiny-kl")
        self.assertEqual(self.pixels("a.png"), own)
        self.assertIn(b"TAESD", self.draw("a.png", "--model", "someone/kl").stderr)
        self.assertEqual(self.pixels("a.png"), small)
        self.draw("a.png", "--model", "someone/kl", "--vae", "full")
        self.assertEqual(self.pixels("a.png"), own)
        self.draw("a.png", "--model", MODELS / "tiny-kl", environment=offline)
        self.assertEqual(self.pixels("a.png"), small)
        self.draw("a.png", "--model", MODELS / "tiny-kl", "--vae", "full", environment=offline)
        self.assertEqual(self.pixels("a.png"), own)

    def test_without_taesd_the_model_keeps_its_own(self):
        self.serve({"someone/kl": from_folder(MODELS / "tiny-kl")})
        said = self.draw("a.png", "--model", "someone/kl").stderr.decode()
        self.assertEqual(said.count("since TAESD cannot be downloaded"), 1)

    def test_of_a_file_that_is_no_model_only_that_is_said(self):
        self.serve({})
        file = self.folder / "notes.safetensors"
        file.write_bytes(b"no model")
        said = self.fail("not a safetensors file", "txt2img", "cat", "-o", "a.png", "--model", file)
        self.assertNotIn("TAESD", said)

    def test_models_with_a_small_autoencoder_ask_nobody(self):
        hub = self.serve({})
        self.assertNotIn(b"TAESD", self.draw("a.png").stderr)
        self.draw("b.png", "--model", MODELS / "tiny-sd15")
        self.assertEqual(hub.requests, [])

    def test_autoencoders_by_name_alone_or_as_a_part_of_a_model(self):
        self.serve({"someone/kl": from_folder(MODELS / "tiny-kl"), "someone/vae": from_folder(MODELS / "tiny-kl/vae")})
        self.draw("folder.png", "--model", MODELS / "tiny-sd15", "--vae", MODELS / "tiny-kl/vae")
        for name in ["someone/vae", "someone/kl"]:
            self.draw("name.png", "--model", MODELS / "tiny-sd15", "--vae", name)
            self.assertEqual(self.pixels("name.png"), self.pixels("folder.png"))
        self.assertEqual(paths_below(self.cache("someone/kl") / "snapshots")[0].split("/")[1], "vae")

    def test_loras_by_name_with_a_scale(self):
        lora = (MODELS / "tiny-sd15/lora-kohya.safetensors").read_bytes()
        self.serve({"someone/lcm-lora": Repository({"pytorch_lora_weights.safetensors": lora, "README.md": b""}),
                    "someone/several": Repository({"a.safetensors": lora, "deep/b.safetensors": lora,
                                                   "c.safetensors": lora, "c.bin": b""})})  # fmt: skip
        model = ["--model", MODELS / "tiny-sd15"]
        self.draw("file.png", *model, "--lora", f"{MODELS}/tiny-sd15/lora-kohya.safetensors:0.5")
        for name in ["someone/lcm-lora", "someone/several/a.safetensors", "someone/several/deep/b.safetensors@main"]:
            with self.subTest(name):
                self.draw("name.png", *model, "--lora", f"{name}:0.5")
                self.assertEqual(self.pixels("name.png"), self.pixels("file.png"))
        draw = ["txt2img", "cat", "-o", "x.png", *model, "--lora"]
        self.fail(["a.safetensors", "c.safetensors", "name one"], *draw, "someone/several:0.5")
        self.fail("has no file", *draw, "someone/several/x.safetensors")

    def test_a_checkpoint_in_one_file(self):
        checkpoint = gzip.decompress((MODELS / "single-sd1.safetensors.gz").read_bytes())
        (self.folder / "sd1.safetensors").write_bytes(checkpoint)
        self.serve({"someone/single": Repository({"sd1.safetensors": checkpoint, "sd1.ckpt": b"", "README.md": b""}),
                    "someone/pickled": Repository({"model.ckpt": b"pickle"}),
                    "someone/bins": Repository({"model_index.json": b"{}", "text_encoder/pytorch_model.bin": b""}),
                    "someone/both": Repository({"model_index.json": b"{}", "text_encoder/pytorch_model.bin": b"",
                                                "sd1.safetensors": checkpoint})})  # fmt: skip
        self.draw("file.png", "--model", "sd1.safetensors")
        for name in ["someone/single", "someone/single/sd1.safetensors", "someone/both"]:
            with self.subTest(name):
                self.draw("name.png", "--model", name)
                self.assertEqual(self.pixels("name.png"), self.pixels("file.png"))
        for name in ["someone/pickled", "someone/bins"]:
            self.fail("pickle", "models", "pull", name)
            self.assertFalse(self.cache(name).exists())


class Commands(HubTest):
    def test_models_are_listed_described_and_removed(self):
        self.serve({"someone/tiny": from_folder(MODELS / "tiny-sd15"), "someone/other": from_folder(MODELS / "tiny-v")})
        self.assertIn(b"nothing yet", self.succeed("models", "list").stdout)
        snapshot = self.pull("someone/tiny")
        self.pull("someone/other@refs/pr/1")
        listed = self.succeed("models", "list").stdout.decode()
        self.assertRegex(listed, r"someone/tiny +2\.\d MB +main")
        self.assertRegex(listed, r"someone/other .*refs/pr/1")
        shown = self.succeed("models", "info", "someone/tiny").stdout.decode()
        self.assertIn(str(snapshot), shown)
        self.assertRegex(shown, rf"{UNET} +2\.2 MB")
        self.assertIn("not in the cache", self.succeed("models", "info", "someone/none").stdout.decode())
        self.assertIn(b"2.4 MB are free", self.succeed("models", "remove", "someone/tiny").stderr)
        self.assertFalse(self.cache("someone/tiny").exists())
        self.assertTrue(self.cache("someone/other").exists())
        self.fail("not in the cache", "models", "remove", "someone/tiny")
        self.fail("all its files", "models", "remove", "someone/other@main")
        self.fail("is no model's name", "models", "remove", "../../home")

    def test_usage(self):
        self.serve({})
        self.fail_with(2, "subcommand", "models", environment=self.environment)
        self.fail_with(2, "NAME", "models", "pull", environment=self.environment)
        self.assertIn(b"models pull", self.succeed("models", "--help").stdout)

    def test_presets_set_what_the_user_has_not(self):
        tiny = from_folder(MODELS / "tiny-sd15")
        self.serve({"stabilityai/sd-turbo": tiny})
        listed = self.succeed("models", "list").stdout.decode()
        for name in ["default", "sd-turbo", "lcm-dreamshaper", "sd15-lcm", "kohaku-lcm", "sd15-hyper", "sdxs"]:
            self.assertRegex(listed, rf"(?m)^{name}\b")
        self.make_image("in.png")

        def settings(*options):
            self.succeed("img2img", "in.png", "cat", "-o", "x.png", "--preset", "sd-turbo", *options)
            return json.loads(png_texts((self.folder / "x.png").read_bytes())["streamdiffusion"])

        found = settings()
        self.assertEqual(found["model"], "stabilityai/sd-turbo")
        self.assertEqual((found["t-index-list"], found["cfg-type"]), ([25], "none"))
        found = settings("--cfg-type", "self", "--steps", "2", "--config", self.make_config({"seed": 5}))
        self.assertEqual((len(found["t-index-list"]), found["cfg-type"], found["seed"]), (2, "self", 5))
        self.assertEqual(settings("--t-index-list", "7")["t-index-list"], [7])
        self.assertEqual(settings("--model", MODELS / "tiny-v")["model"], "tiny-v")
        self.assertIn(b"sd-turbo (here)", self.succeed("models", "list").stdout)
        self.fail_with(2, ["nonsense", "sd-turbo"], "txt2img", "cat", "-o", "y.png", "--preset", "nonsense")
        self.assertIn(b"stabilityai/sd-turbo", self.succeed("models", "info", "sd-turbo").stdout)


if __name__ == "__main__":
    unittest.main()
