import pathlib

from hub_server import Hub, from_folder
from program import PROJECT, ProgramTest

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
