"""Tests of downloads from a hub and of what may go wrong with them."""

import contextlib
import json
import os
import pathlib
import signal
import time
import unittest

from hub_server import Fault, Repository, from_folder
from hub_test import MODELS, UNET, HubTest, files_of, paths_below


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


if __name__ == "__main__":
    unittest.main()
