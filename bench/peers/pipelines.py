"""Complete float32 pipelines in Python: the original StreamDiffusion and diffusers' AutoPipelineForImage2Image. Each turns
an image (or noise) into an image, from PIL to PIL as its users do."""
import time
from pathlib import Path

import numpy as np
import PIL.Image

PROMPT, NEGATIVE_PROMPT = "red apple", "blurry"
GUIDANCE_SCALE = 1.4  # Guidance is on above 1.
SCHEDULE = 50


def t_index_list(strength, steps):
    """Returns the original's list of step indices. The time depends on their number, not on their values."""
    first = SCHEDULE - int(SCHEDULE * strength)
    return [first + i * (SCHEDULE - first) // steps for i in range(steps)]


def load_pipeline(kind, folder, threads):
    import torch
    torch.set_num_threads(threads)
    torch.set_grad_enabled(False)
    pipeline = kind.from_pretrained(Path(folder), torch_dtype=torch.float32, safety_checker=None)
    pipeline.set_progress_bar_config(disable=True)
    for network in (pipeline.unet, pipeline.vae):
        network.to(memory_format=torch.channels_last)
    return pipeline


def camera_frame(width, height):
    return PIL.Image.fromarray(np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8))


class CpuEvent:
    """Replaces torch.cuda.Event, with which StreamDiffusion times itself."""

    def __init__(self, enable_timing):
        self.time = 0.0

    def record(self):
        self.time = time.perf_counter()

    def elapsed_time(self, end):
        return (end.time - self.time) * 1000


class Original:
    """StreamDiffusion from PyPI. Only torch.cuda's events and synchronisation, with which it times itself, are replaced."""

    def __init__(self, folder, width, height, rows, threads):
        import importlib.metadata
        import torch
        from diffusers import StableDiffusionPipeline
        torch.cuda.Event, torch.cuda.synchronize = CpuEvent, lambda: None
        from streamdiffusion import StreamDiffusion
        from streamdiffusion.image_utils import postprocess_image
        self.version = f"streamdiffusion {importlib.metadata.version('streamdiffusion')} (torch {torch.__version__})"
        self.make, self.postprocess = StreamDiffusion, postprocess_image
        self.dtype, self.size, self.streams = torch.float32, (width, height), {}
        self.pipeline = load_pipeline(StableDiffusionPipeline, folder, threads)
        self.image = camera_frame(width, height)
        self.frame_steps = rows

    def stream(self, steps, cfg_type="none", strength=0.5):
        key = steps, cfg_type, strength
        if key not in self.streams:
            stream = self.make(self.pipeline, t_index_list(strength, steps), self.dtype, *self.size, cfg_type=cfg_type)
            stream.prepare(PROMPT, NEGATIVE_PROMPT, SCHEDULE, GUIDANCE_SCALE)
            self.streams[key] = stream
        return self.streams[key]

    def run(self, name):
        kind, *rest = name.split("/")
        if kind == "text":
            output = self.stream(int(rest[0]), strength=1).txt2img()
        elif kind == "guidance":
            output = self.stream(int(rest[1]), rest[0])(self.image)
        else:
            output = self.stream(int(rest[0]) if rest else self.frame_steps)(self.image)
        return self.postprocess(output, output_type="pil")[0]


class AutoPipeline:
    """diffusers' image-to-image pipeline with StreamDiffusion's scheduler and without guidance, so that it calls the UNet
    once a step. It encodes the prompt for each image and computes the steps in turn."""

    def __init__(self, folder, width, height, rows, threads):
        import diffusers
        self.version = f"diffusers {diffusers.__version__}"
        self.pipeline = load_pipeline(diffusers.AutoPipelineForImage2Image, folder, threads)
        self.pipeline.scheduler = diffusers.LCMScheduler.from_config(self.pipeline.scheduler.config)
        self.image = camera_frame(width, height)
        self.frame_steps = rows

    def run(self, name):
        _, *rest = name.split("/")
        steps = int(rest[0]) if rest else self.frame_steps
        return self.pipeline(PROMPT, image=self.image, num_inference_steps=steps, strength=1.0, guidance_scale=1.0).images[0]
