"""The original's class StreamDiffusionWrapper (its file utils/wrapper.py)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Literal

import numpy as np
from PIL import Image

from streamdiffusion_cpp import ArgumentError
from streamdiffusion_cpp.compat import _images, _weights
from streamdiffusion_cpp.compat._engine import Output
from streamdiffusion_cpp.compat._safety_checker import SafetyChecker
from streamdiffusion_cpp.compat._tensors import is_tensor, tensor_of
from streamdiffusion_cpp.compat.image_utils import postprocess_image, require_output_type
from streamdiffusion_cpp.compat.stream_diffusion import CfgType, StreamDiffusion

Mode = Literal["img2img", "txt2img"]
OutputType = Literal["pil", "pt", "np", "latent"]
TINY_VAE = "madebyollin/taesd"
LCM_LORA = "latent-consistency/lcm-lora-sdv1-5"


class StreamDiffusionWrapper:
    """A stream that takes and returns PIL images, with the constructor and methods of the original's class.

    The arguments mean what they mean there, except:

    - `acceleration`, `warmup`, `device_ids` and `engine_dir` are taken and change nothing. The engine is as fast as it
      can be on this machine, and has nothing to compile.
    - `device` "cpu" computes on the CPU, all others on the first NVIDIA GPU that can be used, else on the CPU.
    - `dtype` is the type of the tensors that come out. `precision` is the type that is computed in.
    - `use_lcm_lora` adds the default LCM-LoRA to no model that is a latent consistency model already.
    - `use_tiny_vae` leaves a model its own autoencoder if that is an AutoencoderTiny, and `vae_id` names no other than
      the default one.
    """

    def __init__(
        self,
        model_id_or_path: str,
        t_index_list: list[int],
        lora_dict: dict[str, float] | None = None,
        mode: Mode = "img2img",
        output_type: OutputType = "pil",
        lcm_lora_id: str | None = None,
        vae_id: str | None = None,
        device: Any = "cuda",
        dtype: Any = None,
        frame_buffer_size: int = 1,
        width: int = 512,
        height: int = 512,
        warmup: int = 10,
        acceleration: Literal["none", "xformers", "sfast", "tensorrt"] = "tensorrt",
        do_add_noise: bool = True,
        device_ids: list[int] | None = None,
        use_lcm_lora: bool = True,
        use_tiny_vae: bool = True,
        enable_similar_image_filter: bool = False,
        similar_image_filter_threshold: float = 0.98,
        similar_image_filter_max_skip_frame: int = 10,
        use_denoising_batch: bool = True,
        cfg_type: CfgType = "self",
        seed: int = 2,
        use_safety_checker: bool = False,
        engine_dir: str | Path | None = "engines",
        *,
        precision: str | None = None,
    ) -> None:
        self.sd_turbo = "turbo" in model_id_or_path
        self.mode = mode
        self.output_type = output_type
        self.width = width
        self.height = height
        self.frame_buffer_size = frame_buffer_size
        self.use_denoising_batch = use_denoising_batch
        self.use_safety_checker = use_safety_checker
        self._require_possible(cfg_type)
        self._safety_checker = SafetyChecker() if use_safety_checker else None
        self._seed = int(np.random.randint(1_000_000)) if seed < 0 else seed

        self.stream = StreamDiffusion(
            _weights.local_model(model_id_or_path), t_index_list, dtype, width, height, do_add_noise, use_denoising_batch,
            frame_buffer_size, cfg_type, device="cpu" if str(device) == "cpu" else None, precision=precision,
        )  # fmt: skip
        self.batch_size = self.stream.batch_size
        if use_lcm_lora and not self.sd_turbo:
            self._load_lcm_lora(lcm_lora_id or LCM_LORA)
        self._load_loras(lora_dict or {})
        if use_tiny_vae:
            self._load_tiny_vae(vae_id or TINY_VAE)
        if enable_similar_image_filter:
            self.stream.enable_similar_image_filter(similar_image_filter_threshold, similar_image_filter_max_skip_frame)
        guidance_scale = 1.0 if cfg_type == "none" else 1.1
        self.stream.prepare("", "", guidance_scale=guidance_scale, generator=self.stream._random, seed=self._seed)

    @property
    def device(self) -> Any:
        """The torch.device of tensors: always the CPU, also if a GPU computes."""
        return self.stream.device

    @property
    def dtype(self) -> Any:
        """The torch.dtype of tensors."""
        return self.stream.dtype

    def prepare(
        self,
        prompt: str,
        negative_prompt: str = "",
        num_inference_steps: int = 50,
        guidance_scale: float = 1.2,
        delta: float = 1.0,
    ) -> None:
        """Starts the stream anew with a prompt. Its noise is that of the constructor's seed."""
        self.stream.prepare(prompt, negative_prompt, num_inference_steps, guidance_scale, delta, seed=self._seed)

    def __call__(self, image: Any = None, prompt: str | None = None) -> Any:
        """Returns what `img2img` or `txt2img` returns, by the mode."""
        return self.img2img(image, prompt) if self.mode == "img2img" else self.txt2img(prompt)

    def txt2img(self, prompt: str | None = None) -> Any:
        """Generates images from text, and changes the prompt first if one is given. See `img2img` for the result."""
        if prompt is not None:
            self.stream.update_prompt(prompt)
        if self.sd_turbo:
            return self._result(self.stream._generate_turbo(self._array_type(), self.batch_size))
        return self._result(self.stream._generate(self._array_type(), self.frame_buffer_size))

    def img2img(self, image: Any, prompt: str | None = None) -> Any:
        """Redraws an image, and changes the prompt first if one is given.

        `image` is a path, a PIL image, or what `StreamDiffusion.__call__` takes; None generates one from text. Returns
        an image, or with a frame buffer all of its images, in the form `output_type`: PIL images; tensors [3][h][w] with values from 0 to 1
        ("pt"); arrays [h][w][3] with values from 0 to 1 ("np"); or tensors with values from -1 to 1 ("latent").
        """
        if prompt is not None:
            self.stream.update_prompt(prompt)
        if isinstance(image, (str, os.PathLike, Image.Image)):
            image = self._resized(image)
        return self._result(self.stream._run(image, self._array_type()))

    def preprocess_image(self, image: Any) -> Any:
        """Returns a path, a PIL image, or what `StreamDiffusion.__call__` takes, as a tensor [n][3][height][width] with
        values from -1 to 1."""
        if isinstance(image, (str, os.PathLike, Image.Image)):
            image = self._resized(image)
        planes = self.stream.image_processor.preprocess(image, self.height, self.width)
        return planes.to(self.dtype) if is_tensor(planes) else planes

    def postprocess_image(self, image_tensor: Any, output_type: OutputType = "pil") -> Any:
        """Returns a tensor [n][3][h][w] with values from -1 to 1 in the form `output_type`: its first image, or with a
        frame buffer all of them."""
        images = postprocess_image(image_tensor.cpu() if is_tensor(image_tensor) else image_tensor, output_type)
        return images if self.frame_buffer_size > 1 else images[0]

    def _require_possible(self, cfg_type: str) -> None:
        """Raises what the original raises if the arguments exclude one another, and ArgumentError for a wrong mode or
        output type."""
        if self.mode not in ("img2img", "txt2img"):
            raise ArgumentError(f"mode is {self.mode!r}, must be 'img2img' or 'txt2img'")
        require_output_type(self.output_type)
        if self.mode == "txt2img" and cfg_type != "none":
            raise ArgumentError(f"txt2img mode takes cfg_type 'none' alone, {cfg_type!r} was given")
        buffered = self.use_denoising_batch and self.frame_buffer_size > 1
        if self.mode == "txt2img" and buffered and not self.sd_turbo:
            raise ArgumentError("txt2img mode takes frame_buffer_size > 1 only with use_denoising_batch=False or a turbo model")
        if self.mode == "img2img" and not self.use_denoising_batch:
            raise NotImplementedError("img2img mode needs use_denoising_batch=True")

    def _load_lcm_lora(self, name: str) -> None:
        if name != LCM_LORA or not _weights.is_consistency_model(self.stream.pipe):
            self.stream.load_lcm_lora(name)
            self.stream.fuse_lora()

    def _load_loras(self, scales: dict[str, float]) -> None:
        for name, scale in scales.items():
            self.stream.load_lora(name)
            self.stream.fuse_lora(lora_scale=scale)

    def _load_tiny_vae(self, name: str) -> None:
        if name != TINY_VAE or not _weights.has_tiny_autoencoder(self.stream.pipe):
            self.stream.vae = name

    def _resized(self, image: Any) -> np.ndarray:
        """Returns an image, or the one in a file, in the stream's size."""
        if not isinstance(image, Image.Image):
            with Image.open(image) as file:
                image = file.convert("RGB")
        image = image.convert("RGB").resize((self.width, self.height))
        return _images.pil_frame(image, *_images.whole_sides(self.height, self.width), Image.Resampling.LANCZOS)

    def _array_type(self) -> Output:
        require_output_type(self.output_type)
        return "uint8" if self.output_type == "pil" else "float32"

    def _result(self, images: list[np.ndarray]) -> Any:
        if self._safety_checker is not None:
            images = self._safety_checker.check(images)
        forms: Any
        if self.output_type == "pil":
            forms = [Image.fromarray(image) for image in images]
        elif self.output_type == "np":
            forms = np.stack(images)
        else:
            planes = _images.planes_of(images)
            forms = tensor_of(planes if self.output_type == "latent" else planes / 2 + 0.5, self.stream._dtype)
        return forms if self.frame_buffer_size > 1 else forms[0]
