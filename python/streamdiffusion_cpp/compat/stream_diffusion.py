"""The original's class StreamDiffusion."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from streamdiffusion_cpp import ArgumentError
from streamdiffusion_cpp.compat import _images, _noise
from streamdiffusion_cpp.compat._engine import Engine, Output
from streamdiffusion_cpp.compat._model_loader import ModelLoader
from streamdiffusion_cpp.compat._tensors import load_torch, tensor_of
from streamdiffusion_cpp.compat.image_filter import SimilarImageFilter

CfgType = Literal["none", "full", "self", "initialize"]


class StreamDiffusion:
    """A stream of images through a model, with the constructor, methods and attributes of the original's class.

    `pipe` is a diffusers StableDiffusionPipeline, whose weights are taken over, or the folder, file or hub name of a
    model. The model is loaded by `prepare`, when LoRAs and autoencoder are known. `torch_dtype` is the type of the
    tensors that come out; the engine computes in `precision` ("auto", "f32", "bf16", "int8", "f16") on `device`.

    An empty `t_index_list` raises ArgumentError.

    Tensors come out on the CPU. Images have values from -1 to 1, and go in as `preprocess` of diffusers takes them.
    """

    def __init__(
        self,
        pipe: Any,
        t_index_list: list[int],
        torch_dtype: Any = None,
        width: int = 512,
        height: int = 512,
        do_add_noise: bool = True,
        use_denoising_batch: bool = True,
        frame_buffer_size: int = 1,
        cfg_type: CfgType = "self",
        *,
        device: str | None = None,
        precision: str | None = None,
    ) -> None:
        if len(t_index_list) == 0:
            raise ArgumentError("t_index_list is empty; give the indices of the denoising steps, such as [32, 45]")
        self.pipe = pipe
        self.width = width
        self.height = height
        self.latent_height = height // _images.SIZE_MULTIPLE
        self.latent_width = width // _images.SIZE_MULTIPLE
        self.frame_bff_size = frame_buffer_size
        self.t_list = list(t_index_list)
        self.denoising_steps_num = len(self.t_list)
        self.cfg_type = cfg_type
        self.do_add_noise = do_add_noise
        self.use_denoising_batch = use_denoising_batch
        self.batch_size = frame_buffer_size * (self.denoising_steps_num if use_denoising_batch else 1)
        self.similar_image_filter = False
        self.similar_filter = SimilarImageFilter(on_change=self._update_filter)
        self.image_processor = _images.ImageProcessor()
        self.inference_time_ema = 0.0
        self.generator: Any = None
        self._dtype = "float16" if torch_dtype is None else torch_dtype
        self._loader = ModelLoader(pipe, device, precision)
        self._random = _noise.global_generator()
        self._engine: Engine | None = None
        self._turbo: Engine | None = None
        self._settings: dict[str, Any] = {"guidance_scale": 1.0, "delta": 1.0}
        self._last: list[np.ndarray] | None = None

    @property
    def trt_unet_batch_size(self) -> int:
        """Rows of a UNet call."""
        if not self.use_denoising_batch:
            return self.frame_bff_size
        extra = {"initialize": self.frame_bff_size, "full": self.batch_size}
        return self.batch_size + extra.get(self.cfg_type, 0)

    @property
    def device(self) -> Any:
        """The torch.device that tensors come from and go to: always the CPU, also if a GPU computes."""
        return load_torch().device("cpu")

    @property
    def dtype(self) -> Any:
        """The torch.dtype of tensors."""
        return getattr(load_torch(), self._dtype) if isinstance(self._dtype, str) else self._dtype

    @property
    def vae(self) -> Any:
        """The autoencoder: the pipeline's own until another is assigned, which is an AutoencoderTiny or AutoencoderKL
        of diffusers, or a folder, file or hub name. It takes effect with the next `prepare`."""
        return self._loader.vae if self._loader.vae is not None else getattr(self.pipe, "vae", None)

    @vae.setter
    def vae(self, vae: Any) -> None:
        self._loader.set_vae(vae)

    @property
    def guidance_scale(self) -> float:
        """Weight of the guidance; values up to 1 turn it off. A new value acts from the next call on."""
        return float(self._settings["guidance_scale"])

    @guidance_scale.setter
    def guidance_scale(self, guidance_scale: float) -> None:
        self._update(guidance_scale=guidance_scale)

    @property
    def delta(self) -> float:
        """Factor on the residual noise of `self` and `initialize`. A new value acts from the next call on."""
        return float(self._settings["delta"])

    @delta.setter
    def delta(self, delta: float) -> None:
        self._update(delta=delta)

    @property
    def prev_image_result(self) -> Any:
        """The last result as a tensor, or None."""
        return None if self._last is None else self._tensor(self._last)

    def load_lcm_lora(
        self,
        pretrained_model_name_or_path_or_dict: Any = "latent-consistency/lcm-lora-sdv1-5",
        adapter_name: str | None = None,
        **kwargs: Any,
    ) -> None:
        """Loads a LoRA that makes the model a latent consistency model. See `load_lora`."""
        self.load_lora(pretrained_model_name_or_path_or_dict, adapter_name, **kwargs)

    def load_lora(
        self, pretrained_lora_model_name_or_path_or_dict: Any, adapter_name: str | None = None, **kwargs: Any
    ) -> None:
        """Loads a LoRA at the scale 1: a file, a folder, a hub name, or a dict of tensors.

        `weight_name` and `subfolder` choose the file. It takes effect with the next `prepare`, or at once if the
        stream is prepared. Raises Error if the file is none that the engine reads.
        """
        self._loader.add_lora(pretrained_lora_model_name_or_path_or_dict, adapter_name, **kwargs)
        self._update_loras()

    def fuse_lora(
        self,
        fuse_unet: bool = True,
        fuse_text_encoder: bool = True,
        lora_scale: float = 1.0,
        safe_fusing: bool = False,
    ) -> None:
        """Sets the scale of the LoRAs that were loaded since the last `fuse_lora`. Later ones keep theirs.

        Raises ArgumentError if one of `fuse_unet` and `fuse_text_encoder` is false: a scale is that of both networks.
        """
        if not (fuse_unet and fuse_text_encoder):
            raise ArgumentError("a LoRA is fused with UNet and text encoder alike; leave fuse_unet and fuse_text_encoder True")
        self._loader.set_lora_scale(lora_scale)
        self._update_loras()

    def enable_similar_image_filter(self, threshold: float = 0.98, max_skip_frame: float = 10) -> None:
        """Skips frames that are at least as similar to the last one as `threshold`, at random, and returns the last
        result again. After more than `max_skip_frame` skips one is computed in any case."""
        self.similar_image_filter = True
        self.similar_filter.set_threshold(threshold)
        self.similar_filter.set_max_skip_frame(max_skip_frame)

    def disable_similar_image_filter(self) -> None:
        """Computes all frames from now on."""
        self.similar_image_filter = False
        self._update_filter()

    def prepare(
        self,
        prompt: str,
        negative_prompt: str = "",
        num_inference_steps: int = 50,
        guidance_scale: float = 1.2,
        delta: float = 1.0,
        generator: Any = None,
        seed: int = 2,
    ) -> None:
        """Loads the model if that has not happened yet, and starts the stream anew with a prompt.

        `seed` is the seed of the stream's noise. A `generator` (a torch.Generator on the CPU) is seeded with it and
        draws that noise, too, as in the original, so that numbers drawn from it later are the same.
        """
        self.generator = generator
        self._settings = {
            "prompt": prompt,
            "negative_prompt": negative_prompt,
            "num_inference_steps": num_inference_steps,
            "t_index_list": self.t_list,
            "cfg_type": self.cfg_type,
            "guidance_scale": 1.0 if self.cfg_type == "none" else guidance_scale,
            "delta": delta,
            "do_add_noise": self.do_add_noise,
            "seed": seed % 2**32,  # torch's generator uses these bits
            **self._filter_settings(),
        }
        self._engine = Engine(self._loader.model(), self._shape(), {**self._settings, "loras": self._loader.scales()})
        self._turbo = None
        self._last = None
        self._draw_fixed_noise(generator, seed)

    def update_prompt(self, prompt: str) -> None:
        """Changes the prompt of all frames from the next call on. The negative prompt stays."""
        self._update(prompt=prompt)

    def __call__(self, x: Any = None) -> Any:
        """Runs one step of image to image, or without an image one of text to image.

        `x` is a PIL image, an array [h][w][3] or a tensor [3][h][w] with values from 0 to 1 (from -1 to 1 if one is
        negative), or a batch of `frame_buffer_size` of them. Returns a tensor [frame_buffer_size][3][h][w] with values
        from -1 to 1: the images that went in len(t_index_list) - 1 calls before, and until then the first ones.
        """
        return self._tensor(self._run(x, "float32"))

    def txt2img(self, batch_size: int = 1) -> Any:
        """Runs one step of text to image. Returns a tensor [batch_size][3][h][w] with values from -1 to 1.

        Raises ArgumentError if `batch_size` is not the stream's frame_buffer_size.
        """
        return self._tensor(self._generate("float32", batch_size))

    def txt2img_sd_turbo(self, batch_size: int = 1) -> Any:
        """Generates images from text with a single step and without guidance, as SD-Turbo is made for.

        Returns a tensor [batch_size][3][h][w] with values from -1 to 1. `batch_size` must be the stream's. With
        several timesteps in `t_index_list`, each begins frame_buffer_size of the images, in that order.
        """
        return self._tensor(self._generate_turbo("float32", batch_size))

    # The wrapper uses the methods below to get images in the form that it returns.

    def _run(self, image: Any, output: Output) -> list[np.ndarray]:
        return self._generate(output, self.frame_bff_size) if image is None else self._redraw(image, output)

    def _redraw(self, image: Any, output: Output) -> list[np.ndarray]:
        frames = _images.frames_of(image, *_images.whole_sides(self.height, self.width))
        if len(frames) != self.frame_bff_size:
            raise ArgumentError(f"{len(frames)} images are given to a stream whose frame_buffer_size is {self.frame_bff_size}")
        return self._timed(lambda: self._prepared().step(frames, output))

    def _generate(self, output: Output, batch_size: int = 1) -> list[np.ndarray]:
        if batch_size != self.frame_bff_size:
            raise ArgumentError(f"batch_size is {batch_size}, must be the stream's frame_buffer_size, {self.frame_bff_size}")
        engine = self._prepared()
        return self._timed(lambda: engine.generate(self._draw_noise(), output))

    def _generate_turbo(self, output: Output, batch_size: int) -> list[np.ndarray]:
        if batch_size != self.batch_size:
            raise ArgumentError(f"batch_size is {batch_size}, must be the stream's batch_size, {self.batch_size}")
        self._prepared()
        noise = self._random.randn((batch_size, *self._latents())).reshape(-1, self.frame_bff_size, 1, *self._latents())
        if self._turbo is None:
            one_step = {**self._settings, "t_index_list": self.t_list[:1], "cfg_type": "none", "loras": self._loader.scales()}
            self._turbo = Engine(self._loader.model(), self._shape(), one_step)
        images = []
        for index, start in zip(self.t_list, noise, strict=False):
            self._turbo.update(t_index_list=[index])
            images += self._turbo.generate(start, output)
        self._last = images
        return images

    def _prepared(self) -> Engine:
        if self._engine is None:
            raise RuntimeError("the stream has no prompt yet; call prepare first")
        return self._engine

    def _timed(self, run: Callable[[], list[np.ndarray]]) -> list[np.ndarray]:
        start = time.perf_counter()
        self._last = run()
        self.inference_time_ema = 0.9 * self.inference_time_ema + 0.1 * (time.perf_counter() - start)
        return self._last

    def _shape(self) -> dict[str, Any]:
        height, width = _images.whole_sides(self.height, self.width)
        return {
            "width": width,
            "height": height,
            "frame_buffer_size": self.frame_bff_size,
            "use_denoising_batch": self.use_denoising_batch,
        }

    def _latents(self) -> tuple[int, int, int]:
        return self._prepared().latent_shape

    def _tensor(self, images: list[np.ndarray]) -> Any:
        return tensor_of(_images.planes_of(images), self._dtype)

    def _update(self, **settings: Any) -> None:
        if settings.items() <= self._settings.items():
            return
        self._settings.update(settings)
        if self._engine is not None:
            self._engine.update(**settings)
        self._turbo = None

    def _update_loras(self) -> None:
        if self._engine is not None:
            self._update(loras=self._loader.scales())

    def _filter_settings(self) -> dict[str, Any]:
        on = self.similar_image_filter
        return {
            "similarity_threshold": min(self.similar_filter.threshold, 1.0) if on else 1.0,
            "max_skip_frame": int(self.similar_filter.max_skip_frame),
        }

    def _update_filter(self) -> None:
        if self._engine is not None:
            self._update(**self._filter_settings())

    def _draw_fixed_noise(self, generator: Any, seed: int) -> None:
        """Draws the stream's noise, which the denoising batch adds between its steps. Advances the caller's generator
        by as many numbers as the original draws from it."""
        self._fixed_noise = _noise.OwnGenerator(seed).randn((self.denoising_steps_num, *self._latents()))
        if generator is not None:
            given = _noise.generator_of(generator)
            given.manual_seed(seed)
            given.randn((self.batch_size, *self._latents()))

    def _draw_noise(self) -> np.ndarray:
        """Draws noise for text to image: [frame_buffer_size][steps][channels][height][width]."""
        rows = (self.frame_bff_size, *self._latents())
        noise = np.zeros((self.frame_bff_size, self.denoising_steps_num, *self._latents()), np.float32)
        noise[:, 0] = self._random.randn(rows)
        if self.use_denoising_batch:
            noise[:, 1:] = self._fixed_noise[1:]
        elif self.do_add_noise:
            for step in range(1, self.denoising_steps_num):
                noise[:, step] = self._random.randn(rows)
        return noise
