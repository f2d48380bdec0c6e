import os
import subprocess
import unittest

from program import PROJECT, ProgramTest


class Install(ProgramTest):
    def command(self, *arguments, environment=None):
        result = subprocess.run(
            list(map(str, arguments)), cwd=self.folder, capture_output=True, env={**os.environ, **(environment or {})}
        )
        self.assertEqual(result.returncode, 0, (result.stdout + result.stderr).decode(errors="replace"))

    def test_the_installed_program_and_library_work_where_they_are_put(self):
        prefix = self.folder / "prefix"
        self.command("cmake", "--install", os.environ["STREAMDIFFUSION_BUILD"], "--prefix", prefix)
        self.assertTrue((prefix / "share/streamdiffusion/models/default/model_index.json").exists())
        self.command(prefix / "bin/streamdiffusion", "txt2img", "red apple", "--output", "apple.png")

        self.command("cmake", "-S", PROJECT / "examples", "-B", "build", f"-DCMAKE_PREFIX_PATH={prefix}",
                     f"-DCMAKE_CXX_FLAGS={os.environ['STREAMDIFFUSION_CXX_FLAGS']}",
                     f"-DCMAKE_CXX_COMPILER={os.environ['STREAMDIFFUSION_CXX']}")  # fmt: skip
        self.command("cmake", "--build", "build")
        model = prefix / "share/streamdiffusion/models/default"
        self.command("build/redraw_image", model, "apple.png", "cat face", "cat.png")
        self.assertEqual(self.size_of("cat.png"), (256, 256))

    def test_the_example_of_the_build_refuses_what_is_no_model(self):
        example = os.path.join(os.environ["STREAMDIFFUSION_BUILD"], "redraw_image")
        result = subprocess.run([example, "nowhere", "in.png", "cat", "out.png"], capture_output=True, cwd=self.folder)
        self.assertEqual(result.returncode, 1)
        self.assertIn(b"nowhere", result.stderr)


if __name__ == "__main__":
    unittest.main()
