import contextlib
import gzip
import json
import os
import pathlib
import signal
import subprocess
import time
import unittest

from hub_server import Fault, Hub, Repository, from_folder
from program import PROJECT, ProgramTest, png_texts

MODELS = PROJECT / "tests/conformance/cases/models"
SMALL = ["--steps", "1", "--width", "64", "--height", "64"]
UNET = "unet/diffusion_pytorch_model.safetensors"


class HubTest(ProgramTest):
    """Base class of tests that each have a hub and a cache of their own."""

    def setUp(self):
        super().setUp()
        self.home = self.folder / "home"

    def serve(self, repositories, **options):
        hub = self.enterContext(Hub(repositories, **options))
        self.environment = {"HF_ENDPOINT": hub.url, "HF_HOME": str(self.home), "HF_HUB_OFFLINE": "0",
                            "NO_PROXY": "*"}  # fmt: skip
        return hub

    def succeed(self, *arguments, environment=None, **options):
        return super().succeed(*arguments, environment={**self.environment, **(environment or {})}, **options)

    def fail(self, words, *arguments, environment=None):
        """Checks that the program ends with status 1 and an error line that contains all words."""
        result = self.run_program(*arguments, environment={**self.environment, **(environment or {})})
        said = result.stderr.decode()
        self.assertEqual(result.returncode, 1, said)
        error = [line for line in said.splitlines() if line.startswith("streamdiffusion: error: ")]
        self.assertEqual(len(error), 1, said)
        for word in [words] if isinstance(words, str) else words:
            self.assertIn(word, error[0])
        return said

    def pull(self, name, **options):
        return pathlib.Path(self.succeed("models", "pull", name, **options).stdout.decode().strip())

    def cache(self, name):
        return self.home / "hub" / ("models--" + name.replace("/", "--"))

    def blobs(self, name):
        return {path.name for path in (self.cache(name) / "blobs").iterdir()}

    def draw(self, output, *options, **more):
        return self.succeed("txt2img", "cat", "-o", output, *SMALL, *options, **more)


def paths_below(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def files_of(folder):
    return from_folder(MODELS / folder).files


class Pull(HubTest):
    def test_brings_what_a_model_needs_and_nothing_else_into_the_cache_of_python(self):
        wanted = files_of("tiny-sd15")
        wanted = {path: file for path, file in wanted.items() if "lora" not in path}
        more = ["README.md", "model.ckpt", "v1-5-pruned.safetensors", "unet/diffusion_pytorch_model.bin",
                "safety_checker/model.safetensors", "safety_checker/config.json", "unet/model.onnx",
                "feature_extractor/preprocessor_config.json", "unet/flax.msgpack", "image.png"]  # fmt: skip
        repository = Repository({**wanted, **{path: b"unwanted" for path in more}})
        hub = self.serve({"someone/tiny": repository})
        snapshot = self.pull("someone/tiny")
        self.assertEqual(snapshot, self.cache("someone/tiny") / "snapshots" / repository.commit)
        self.assertEqual(paths_below(snapshot), sorted(wanted))
        self.assertEqual(self.blobs("someone/tiny"), {repository.hash(path) for path in wanted})
        for path, file in wanted.items():
            link = os.readlink(snapshot / path)
            up = "../" * (path.count("/") + 2)
            self.assertEqual(link, f"{up}blobs/{repository.hash(path)}")
            self.assertEqual((snapshot / path).read_bytes(), pathlib.Path(file).read_bytes())
        self.assertEqual((self.cache("someone/tiny") / "refs/main").read_text(), repository.commit)
        self.assertTrue((self.home / "hub/CACHEDIR.TAG").exists())
        before = len([path for path in hub.paths() if "/resolve/" in path])
        self.assertEqual(self.pull("someone/tiny"), snapshot)
        self.assertEqual(len([path for path in hub.paths() if "/resolve/" in path]), before)

    def test_prefers_float16_and_keeps_the_variant_that_is_there(self):
        files = files_of("tiny-sd15")
        files["unet/diffusion_pytorch_model.fp16.safetensors"] = b"half"
        self.serve({"someone/tiny": Repository(files)})
        snapshot = self.pull("someone/tiny")
        self.assertEqual([path.name for path in (snapshot / "unet").glob("*.safetensors")],
                         ["diffusion_pytorch_model.fp16.safetensors"])  # fmt: skip
        (snapshot / "unet/diffusion_pytorch_model.fp16.safetensors").unlink()
        (snapshot / UNET).write_bytes(b"from Python")
        self.pull("someone/tiny")
        self.assertEqual(len(list((snapshot / "unet").glob("*.safetensors"))), 1)

    def test_shards_come_with_their_index(self):
        self.serve({"someone/sharded": from_folder(MODELS / "tiny-v")})
        snapshot = self.pull("someone/sharded")
        self.assertEqual(len(list((snapshot / "unet").glob("*-of-00003.safetensors"))), 3)
        self.assertTrue((snapshot / "unet/diffusion_pytorch_model.safetensors.index.json").exists())

    def test_revisions_are_kept_apart(self):
        repository = from_folder(MODELS / "tiny-sd15")
        self.serve({"someone/tiny": repository})
        self.pull("someone/tiny@refs/pr/1")
        self.assertEqual((self.cache("someone/tiny") / "refs/refs/pr/1").read_text(), repository.commit)
        self.fail("no branch, tag or commit v9", "models", "pull", "someone/tiny@v9")
        self.pull(f"someone/tiny@{repository.commit}")
        # A downloaded commit never changes, so no server is asked.
        self.pull(f"someone/tiny@{repository.commit}", environment={"HF_ENDPOINT": "http://127.0.0.1:1"})

    def test_long_lists_come_in_pages(self):
        hub = self.serve({"someone/tiny": from_folder(MODELS / "tiny-sd15")}, page=4)
        self.pull("someone/tiny")
        self.assertGreater(len([path for path in hub.paths() if "/tree/" in path]), 3)

    def test_two_programs_download_a_file_once(self):
        hub = self.serve({"someone/tiny": from_folder(MODELS / "tiny-kl")}, rate=4e6)
        both = [self.start("models", "pull", "someone/tiny", env={**os.environ, **self.environment}) for _ in "ab"]
        for program in both:
            out, said = program.communicate(timeout=60)
            self.assertEqual(program.returncode, 0, said)
        self.assertEqual(len([path for path in hub.paths() if UNET in path and "signature" in path]), 1)


class Interrupted(HubTest):
    def start_and_wait_for(self, size, blob):
        program = self.start("models", "pull", "someone/tiny", env={**os.environ, **self.environment})
        end = time.monotonic() + 100
        while time.monotonic() < end:
            for path in self.home.rglob(f"{blob}.incomplete"):
                with contextlib.suppress(FileNotFoundError):  # A small file may be complete by now.
                    if path.stat().st_size > size:
                        return program
            time.sleep(0.02)
        program.kill()
        raise AssertionError("nothing came")

    def test_goes_on_after_kill_and_ctrl_c(self):
        repository = from_folder(MODELS / "tiny-kl")
        hub = self.serve({"someone/tiny": repository}, hold=600_000)
        program = self.start_and_wait_for(500_000, repository.hash(UNET))
        program.kill()
        program.communicate()
        hub.hold = 1_300_000
        program = self.start_and_wait_for(1_200_000, repository.hash(UNET))
        program.send_signal(signal.SIGINT)
        _, said = program.communicate(timeout=20)
        self.assertEqual(program.returncode, 130, said)
        self.assertIn(b"what has come is kept", said)
        self.fail("cache", "models", "pull", "someone/tiny", environment={"HF_HUB_OFFLINE": "1"})
        self.assertIn("interrupted", self.succeed("models", "list").stdout.decode())
        hub.hold = None
        snapshot = self.pull("someone/tiny")
        self.assertEqual((snapshot / UNET).read_bytes(), (MODELS / "tiny-kl" / UNET).read_bytes())
        ranges = [headers.get("Range") for _, path, headers in hub.requests if UNET in path and "signature" in path]
        self.assertEqual(ranges[0], None)
        starts = [int(asked[6:-1]) for asked in ranges[1:]]
        self.assertEqual(len(starts), 2)
        self.assertTrue(500_000 <= starts[0] <= starts[1], starts)
        self.assertEqual(list(self.home.rglob("*.incomplete")), [])

    def test_garbage_from_before_is_noticed(self):
        repository = from_folder(MODELS / "tiny-sd15")
        self.serve({"someone/tiny": repository})
        blobs = self.cache("someone/tiny") / "blobs"
        blobs.mkdir(parents=True)
        (blobs / f"{repository.hash(UNET)}.incomplete").write_bytes(b"\1" * 1000)
        config = repository.hash("unet/config.json")
        (blobs / f"{config}.incomplete").write_bytes(b"\1" * 100_000)
        snapshot = self.pull("someone/tiny")
        self.assertEqual((snapshot / UNET).read_bytes(), (MODELS / "tiny-sd15" / UNET).read_bytes())
        self.assertIn("_class_name", json.loads((snapshot / "unet/config.json").read_bytes()))

    def test_a_link_in_place_of_a_download_is_not_followed(self):
        repository = from_folder(MODELS / "tiny-sd15")
        self.serve({"someone/tiny": repository})
        blobs = self.cache("someone/tiny") / "blobs"
        blobs.mkdir(parents=True)
        (blobs / f"{repository.hash(UNET)}.incomplete").symlink_to(self.folder / "elsewhere")
        self.fail("incomplete", "models", "pull", "someone/tiny")
        self.assertFalse((self.folder / "elsewhere").exists())


class Faults(HubTest):
    def setUp(self):
        super().setUp()
        self.repository = from_folder(MODELS / "tiny-sd15")
        self.hub = self.serve({"someone/tiny": self.repository})

    def check_whole(self):
        snapshot = self.pull("someone/tiny")
        self.assertEqual((snapshot / UNET).read_bytes(), (MODELS / "tiny-sd15" / UNET).read_bytes())

    def test_trouble_that_passes_is_waited_for(self):
        for fault in [Fault("/revision/", 2, status=503), Fault("/tree/", 1, status=502),
                      Fault(UNET, 1, status=500), Fault("config.json", 2, drop=True),
                      Fault("/revision/", 1, status=429, headers={"Retry-After": "1"}),
                      Fault("signature", 2, status=403), Fault("signature", 1, cut=0),
                      Fault("signature", 3, cut=30_000)]:  # fmt: skip
            with self.subTest(vars(fault)):
                self.hub.faults = [fault]
                self.check_whole()
                self.assertEqual(fault.times, 0)
                self.succeed("models", "remove", "someone/tiny")

    def test_a_server_without_ranges_sends_the_whole_again(self):
        self.hub.ranges = False
        self.hub.faults = [Fault("signature", 2, cut=100_000)]
        self.check_whole()

    def test_retry_after_is_obeyed(self):
        self.hub.faults = [Fault("/revision/", 1, status=429, headers={"Retry-After": "2"})]
        start = time.monotonic()
        self.check_whole()
        self.assertGreaterEqual(time.monotonic() - start, 2)

    def test_asking_to_come_back_tomorrow_is_an_error(self):
        self.hub.faults = [Fault("/revision/", status=429, headers={"Retry-After": "86400"})]
        self.fail(["429", "HF_TOKEN"], "models", "pull", "someone/tiny")

    def test_other_bytes_are_never_kept(self):
        def changed(data):
            return data[:-1] + bytes([data[-1] ^ 1])

        for alter, words in [(changed, "checksum"), (lambda data: data + b"x", "more than"),
                             (lambda data: data + b"x" * (1 << 20), "more than")]:  # fmt: skip
            for where in ["signature", "vocab.json"]:
                with self.subTest(words, where=where):
                    self.hub.faults = [Fault(where, alter=alter)]
                    self.fail(words, "models", "pull", "someone/tiny")
                    bad = UNET if where == "signature" else "tokenizer/vocab.json"
                    self.assertNotIn(self.repository.hash(bad), self.blobs("someone/tiny"))
                    self.hub.faults = []
                    self.check_whole()
                    self.succeed("models", "remove", "someone/tiny")

    def test_too_few_bytes_are_asked_for_again_and_then_an_error(self):
        self.hub.faults = [Fault("vocab.json", alter=lambda data: data[:-1])]
        self.fail(["vocab.json", "ends after"], "models", "pull", "someone/tiny")

    def test_a_hub_that_contradicts_itself_is_refused(self):
        other = {"X-Linked-Etag": '"' + "0" * 64 + '"', "Location": f"{self.hub.storage_url}/someone/tiny/{UNET}"}
        self.hub.faults = [Fault(f"/resolve/{self.repository.commit}/{UNET}", status=302, headers=other)]
        self.fail([UNET, "0" * 64], "models", "pull", "someone/tiny")

    def test_redirects_lead_to_the_web_and_end(self):
        for location, words in [("file:///etc/passwd", "refused"), ("ftp://127.0.0.1/x", "refused"),
                                (f"{self.hub.url}/api/models/someone/tiny/revision/main", "redirects")]:  # fmt: skip
            with self.subTest(location):
                self.hub.faults = [Fault("/revision/main", status=302, headers={"Location": location})]
                self.fail(words, "models", "pull", "someone/tiny")

    def test_answers_that_are_none_are_explained(self):
        for body, words in [(b"<html>please log in</html>", "not JSON"), (b"[]", "must be an object"),
                            (b"[" * 100_000, "nested"), (b'{"sha": "main"}', "commit"), (b'"' + b"x" * (5 << 20), "longer"),
                            (b'{"sha": "../../../../tmp"}', "commit"), (b"{}", "sha")]:  # fmt: skip
            with self.subTest(words):
                self.hub.faults = [Fault("/revision/", status=200, body=body)]
                self.fail(words, "models", "pull", "someone/tiny")

    def test_a_hostile_list_writes_nothing_anywhere(self):
        good = self.repository.tree()
        lfs = {"oid": "a" * 64, "size": 10, "pointerSize": 1}
        for entry, words in [({"path": "../../x.safetensors"}, "lead out"), ({"path": "/etc/x"}, "lead out"),
                             ({"path": "unet/../../../../x.json"}, "lead out"), ({"path": "unet/a\0b"}, "lead out"),
                             ({"path": ""}, "lead out"), ({"path": "unet//x"}, "lead out"), ({"path": 7}, "path"),
                             ({"oid": "../../../../x"}, "hash"), ({"oid": "A" * 40}, "hash"), ({"size": -1}, "size"),
                             ({"lfs": {**lfs, "oid": "../x"}}, "hash"), ({"lfs": {**lfs, "size": 1 << 60}}, "size"),
                             ({"size": 1e300}, "size"), ({"size": None}, "size")]:  # fmt: skip
            with self.subTest(entry):
                usual = {"type": "file", "path": "unet/x.json", "oid": "b" * 40, "size": 3}
                self.repository.listing = [*good, {**usual, **entry}]
                self.fail(words, "models", "pull", "someone/tiny")
                self.assertEqual(paths_below(self.folder), [])

    def test_a_list_without_an_end_is_refused(self):
        link = {"Link": f'<{self.hub.url}/api/models/someone/tiny/tree/{self.repository.commit}>; rel="next"'}
        self.hub.faults = [Fault("/tree/", status=200, body=b"[]", headers=link)]
        self.fail("does not end", "models", "pull", "someone/tiny")

    def test_what_does_not_fit_on_the_disk_is_not_begun(self):
        huge = {"type": "file", "path": UNET, "oid": "b" * 40, "size": 10,
                "lfs": {"oid": "a" * 64, "size": 1 << 43, "pointerSize": 1}}  # fmt: skip
        self.repository.listing = [entry for entry in self.repository.tree() if entry["path"] != UNET] + [huge]
        self.fail(["there is space for", "HF_HUB_CACHE"], "models", "pull", "someone/tiny")
        self.assertEqual(list(self.home.rglob("*.incomplete")), [])

    def test_a_full_disk_and_missing_rights_are_explained(self):
        (self.home).mkdir()
        (self.home / "hub").write_text("a file")
        self.fail(["folder cannot be made", "HF_HUB_CACHE"], "models", "pull", "someone/tiny")

    @unittest.skipIf(os.getuid() == 0, "root may write everywhere")
    def test_a_cache_that_is_read_only_is_explained(self):
        self.home.mkdir(mode=0o555)
        self.fail("HF_HUB_CACHE", "models", "pull", "someone/tiny")


class Access(HubTest):
    def test_the_token_goes_to_the_hub_alone(self):
        repository = from_folder(MODELS / "tiny-sd15")
        repository.private = True
        hub = self.serve({"someone/tiny": repository}, token="hf_secret")
        self.fail(["someone/tiny", "private", "HF_TOKEN"], "models", "pull", "someone/tiny")
        self.fail(["someone/tiny", "may not read"], "models", "pull", "someone/tiny", environment={"HF_TOKEN": "no"})
        said = self.succeed("models", "pull", "someone/tiny", environment={"HF_TOKEN": "hf_secret"})
        self.assertNotIn(b"hf_secret", said.stdout + said.stderr)
        to_storage = [headers for _, path, headers in hub.requests if "signature" in path]
        self.assertEqual(len(to_storage), 3)
        for headers in to_storage:
            self.assertNotIn("Authorization", headers)

    def test_the_token_file_of_python_is_used(self):
        repository = from_folder(MODELS / "tiny-sd15")
        repository.private = True
        self.serve({"someone/tiny": repository}, token="hf_secret")
        self.home.mkdir()
        (self.home / "token").write_text("hf_secret\n")
        self.pull("someone/tiny")

    def test_a_model_with_conditions_says_where_to_accept_them(self):
        repository = from_folder(MODELS / "tiny-sd15")
        repository.gated = True
        hub = self.serve({"someone/tiny": repository})
        self.fail(["accept the conditions", f"{hub.url}/someone/tiny", "HF_TOKEN"], "models", "pull", "someone/tiny")

    def test_names_that_are_nothing_are_explained(self):
        self.serve({}, token="hf_secret")
        self.fail(["no/such", "401"], "txt2img", "cat", "-o", "x.png", "--model", "no/such")
        self.fail(["no/such", "nor"], "models", "pull", "no/such", environment={"HF_TOKEN": "hf_secret"})
        for name in ["nothing", "a/b/c", "../x", "/a/b", "a/..", "a/b@../x", "a--b/c", "a/b.ckpt", "a b/c", ""]:
            with self.subTest(name):
                self.fail("is no model's name", "models", "pull", name)


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


def python_with(*modules):
    """Returns a Python that has the modules, or None."""
    for python in [os.environ.get("STREAMDIFFUSION_PYTHON", ""), "python3"]:
        test = "import " + ", ".join(modules)
        if python and subprocess.run([python, "-c", test], capture_output=True).returncode == 0:
            return python
    return None


class WithPython(HubTest):
    """Tests that the cache is shared with Python. STREAMDIFFUSION_PYTHON names a Python with huggingface_hub and diffusers."""

    def python(self, modules, code, *arguments, **environment):
        python = python_with(*modules)
        if python is None:
            self.skipTest("no Python with " + " and ".join(modules) + " here (STREAMDIFFUSION_PYTHON names one)")
        result = subprocess.run([python, "-c", code, *map(str, arguments)], capture_output=True, text=True,
                                env={**os.environ, **self.environment, **environment})  # fmt: skip
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout.strip().splitlines()[-1]

    def test_huggingface_hub_finds_what_was_downloaded(self):
        self.serve({"someone/tiny": from_folder(MODELS / "tiny-sd15")})
        snapshot = self.pull("someone/tiny")
        code = ("import sys, huggingface_hub as h\n"
                "assert h.hf_hub_download('someone/tiny', 'unet/config.json', local_files_only=True)\n"
                "assert not list(h.scan_cache_dir().warnings), h.scan_cache_dir().warnings\n"
                "print(h.snapshot_download('someone/tiny', local_files_only=True))")  # fmt: skip
        self.assertEqual(self.python(["huggingface_hub"], code, HF_HUB_OFFLINE="1"), str(snapshot))

    def test_python_downloads_nothing_twice(self):
        files = {path: file for path, file in files_of("tiny-sd15").items() if "lora" not in path}
        hub = self.serve({"someone/tiny": Repository(files)})
        snapshot = self.pull("someone/tiny")
        hub.requests.clear()
        code = "import huggingface_hub as h; print(h.snapshot_download('someone/tiny'))"
        self.assertEqual(self.python(["huggingface_hub"], code), str(snapshot))
        self.assertEqual([path for path in hub.paths() if "/resolve/" in path], [])

    def test_what_python_has_downloaded_is_used_as_it_is(self):
        hub = self.serve({"someone/tiny": from_folder(MODELS / "tiny-sd15")})
        code = "import huggingface_hub as h; print(h.snapshot_download('someone/tiny'))"
        snapshot = self.python(["huggingface_hub"], code, HF_HUB_DISABLE_XET="1")
        hub.requests.clear()
        self.assertEqual(self.pull("someone/tiny"), pathlib.Path(snapshot))
        self.assertEqual([path for path in hub.paths() if "/resolve/" in path], [])
        self.draw("a.png", "--model", "someone/tiny", environment={"HF_HUB_OFFLINE": "1"})

    def test_diffusers_loads_it_without_a_network(self):
        self.serve({"someone/kl": from_folder(MODELS / "tiny-kl")})
        self.pull("someone/kl")
        code = ("from diffusers import DiffusionPipeline\n"
                "pipe = DiffusionPipeline.from_pretrained('someone/kl', safety_checker=None)\n"
                "print(type(pipe.unet).__name__)")  # fmt: skip
        self.assertEqual(self.python(["diffusers", "transformers"], code, HF_HUB_OFFLINE="1"), "UNet2DConditionModel")


if __name__ == "__main__":
    unittest.main()
