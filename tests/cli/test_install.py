import os
import subprocess
import unittest

from program import PROJECT, ProgramTest


class Install(ProgramTest):
    def command(self, *arguments, stdin=None):
        result = subprocess.run(list(map(str, arguments)), cwd=self.folder, capture_output=True, input=stdin)
        self.assertEqual(result.returncode, 0, (result.stdout + result.stderr).decode(errors="replace"))
        return result.stdout

    def test_the_installed_program_and_library_work_where_they_are_put(self):
        prefix = self.folder / "prefix"
        self.command("cmake", "--install", os.environ["STREAMDIFFUSION_BUILD"], "--prefix", prefix)
        self.assertTrue((prefix / "share/streamdiffusion/models/default/model_index.json").exists())
        self.command(prefix / "bin/streamdiffusion", "txt2img", "red apple", "--output", "apple.png")

        self.command("cmake", "-S", PROJECT / "examples", "-B", "build", f"-DCMAKE_PREFIX_PATH={prefix}",
                     f"-DCMAKE_CXX_FLAGS={os.environ['STREAMDIFFUSION_CXX_FLAGS']}",
                     f"-DCMAKE_CXX_COMPILER={os.environ['STREAMDIFFUSION_CXX']}")  # fmt: skip
        self.command("cmake", "--build", "build")
        self.check_unknown_component(prefix)
        model = prefix / "share/streamdiffusion/models/default"
        self.command("build/redraw_image", model, "apple.png", "cat face", "cat.png")
        self.assertEqual(self.size_of("cat.png"), (256, 256))
        self.check_examples(model)

    def check_unknown_component(self, prefix):
        (self.folder / "unknown").mkdir()
        (self.folder / "unknown/CMakeLists.txt").write_text(
            "cmake_minimum_required(VERSION 3.22)\nproject(unknown LANGUAGES CXX)\n"
            "find_package(streamdiffusion REQUIRED COMPONENTS core nonsense)\n", encoding="utf-8")  # fmt: skip
        result = subprocess.run(["cmake", "-S", "unknown", "-B", "unknown/build", f"-DCMAKE_PREFIX_PATH={prefix}"],
                                cwd=self.folder, capture_output=True, text=True)  # fmt: skip
        self.assertNotEqual(result.returncode, 0)
        self.assertIn('There is no component "nonsense"', result.stderr)
        self.assertIn("core, media, hub, pipeline, c", " ".join(result.stderr.split()))

    def check_examples(self, model):
        self.command("build/camera_to_window", model, "cat face", "apple.png", "camera.png")
        self.assertEqual(self.size_of("camera.png"), (256, 256))

        lora = PROJECT / "models/loras/pencil.safetensors"
        self.command("build/redraw_images", model, lora, "cat face", "images", "apple.png", "apple.png")
        first, second = (self.folder / "images" / name for name in ["1.png", "2.png"])
        self.assertEqual(self.size_of(first), (256, 256))
        self.assertNotEqual(first.read_bytes(), second.read_bytes())

        self.command("build/many_streams", model, "apple.png", "videos", "cat face", "red apple")
        first, second = (self.folder / "videos" / name for name in ["1.mp4", "2.mp4"])
        self.assertNotEqual(first.read_bytes(), second.read_bytes())

        image = b"P6\n64 32\n255\n" + bytes(64 * 32 * 3)
        redrawn = self.command("build/redraw_ppm", model, '{"prompt": "red apple", "steps": 1}', stdin=image)
        self.assertEqual(redrawn[:13], image[:13])
        self.assertEqual(len(redrawn), len(image))

    def test_the_example_of_the_build_refuses_what_is_no_model(self):
        example = os.path.join(os.environ["STREAMDIFFUSION_BUILD"], "redraw_image")
        result = subprocess.run([example, "nowhere", "in.png", "cat", "out.png"], capture_output=True, cwd=self.folder)
        self.assertEqual(result.returncode, 1)
        self.assertIn(b"nowhere", result.stderr)


if __name__ == "__main__":
    unittest.main()
