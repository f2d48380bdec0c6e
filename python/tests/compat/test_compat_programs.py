"""Small programs that call what the original's examples and demonstrations call, in the same order."""

from __future__ import annotations

import multiprocessing
import threading

import numpy as np
import pytest
from PIL import Image
from reference import MODELS

from streamdiffusion_cpp.compat import StreamDiffusion, StreamDiffusionWrapper
from streamdiffusion_cpp.compat.image_utils import pil2tensor, postprocess_image

TINY = str(MODELS / "tiny-sd15")
SIZE = {"width": 96, "height": 64}


def photo(seed=0):
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (64, 96, 3), np.uint8))


def is_drawn(image):
    return np.asarray(image, np.float32).std() > 1


def test_redraw_a_folder(tmp_path):
    for index in range(4):
        photo(index).save(tmp_path / f"{index}.png")
    stream = StreamDiffusionWrapper(
        TINY, lora_dict=None, t_index_list=[32, 40, 45], frame_buffer_size=1, warmup=10, acceleration="xformers",
        mode="img2img", use_denoising_batch=True, cfg_type="self", seed=2, **SIZE,
    )  # fmt: skip
    stream.prepare(prompt="a red boat", negative_prompt="blurry", num_inference_steps=50, guidance_scale=1.2, delta=0.5)
    files = sorted(str(file) for file in tmp_path.iterdir())
    files += [files[-1]] * (stream.batch_size - 1)
    for _ in range(stream.batch_size - 1):
        stream(image=files.pop(0))
    images = [stream(image=file) for file in files]
    assert len(images) == 4
    assert all(is_drawn(image) for image in images)
    assert len({image.tobytes() for image in images}) == 4


def test_draw_several_images_from_text():
    stream = StreamDiffusionWrapper(
        model_id_or_path=TINY, t_index_list=[0, 16, 32, 45], frame_buffer_size=3, warmup=10, acceleration="tensorrt",
        mode="txt2img", use_denoising_batch=False, cfg_type="none", seed=2, **SIZE,
    )  # fmt: skip
    stream.prepare(prompt="a red boat", num_inference_steps=50)
    images = stream()
    assert [image.size for image in images] == [(96, 64)] * 3
    assert len({image.tobytes() for image in images}) == 3


def test_redraw_a_video():
    torch = pytest.importorskip("torch")
    video = torch.from_numpy(np.stack([np.asarray(photo(index)) for index in range(4)])) / 255
    stream = StreamDiffusionWrapper(
        model_id_or_path=TINY, t_index_list=[35, 45], frame_buffer_size=1, do_add_noise=False, mode="img2img",
        output_type="pt", enable_similar_image_filter=True, similar_image_filter_threshold=0.98, **SIZE,
    )  # fmt: skip
    stream.prepare(prompt="a red boat", num_inference_steps=50)
    result = torch.zeros(4, 64, 96, 3)
    for _ in range(stream.batch_size):
        stream(image=video[0].permute(2, 0, 1))
    for index in range(4):
        result[index] = stream(video[index].permute(2, 0, 1)).permute(1, 2, 0)
    assert 0 <= result.min() < result.max() <= 1


def test_use_a_pipeline_of_diffusers():
    torch = pytest.importorskip("torch")
    diffusers = pytest.importorskip("diffusers")
    pipe = diffusers.StableDiffusionPipeline.from_pretrained(TINY).to(device=torch.device("cpu"), dtype=torch.float32)
    stream = StreamDiffusion(pipe, t_index_list=[32, 45], torch_dtype=torch.float32, **SIZE)
    stream.load_lcm_lora(str(MODELS / "tiny-sd15/lora-kohya.safetensors"))
    stream.fuse_lora()
    stream.vae = diffusers.AutoencoderTiny.from_pretrained(TINY, subfolder="vae").to(device=pipe.device, dtype=pipe.dtype)
    stream.prepare("a red boat")
    for _ in range(2):
        stream(photo())
    output = stream(photo())
    assert (output.dtype, tuple(output.shape)) == (torch.float32, (1, 3, 64, 96))
    assert is_drawn(postprocess_image(output, output_type="pil")[0])


def test_redraw_a_screen_with_a_thread_that_captures():
    torch = pytest.importorskip("torch")
    stream = StreamDiffusionWrapper(
        TINY, t_index_list=[45], frame_buffer_size=2, do_add_noise=False, enable_similar_image_filter=True,
        similar_image_filter_threshold=0.99, similar_image_filter_max_skip_frame=10.0, mode="img2img", cfg_type="self", **SIZE,
    )  # fmt: skip
    stream.prepare("a red boat", "blurry", num_inference_steps=50, guidance_scale=1.4, delta=0.5)
    captured = []
    thread = threading.Thread(target=lambda: captured.extend(pil2tensor(photo(index)) for index in range(2)))
    thread.start()
    thread.join()
    batch = torch.cat(captured)
    images = stream.stream(batch.to(device=stream.device, dtype=stream.dtype)).cpu()
    assert (images.dtype, tuple(images.shape)) == (torch.float16, (2, 3, 64, 96))


def draw(folder, queue):
    stream = StreamDiffusionWrapper(
        folder, t_index_list=[0], frame_buffer_size=1, use_lcm_lora=False, mode="txt2img", cfg_type="none",
        use_denoising_batch=True, **SIZE,
    )  # fmt: skip
    stream.prepare(prompt="a red boat", num_inference_steps=50)
    for _ in range(2):
        queue.put(stream.stream.txt2img_sd_turbo(1).cpu().numpy())


def test_draw_in_another_process(tmp_path):
    pytest.importorskip("torch")
    (tmp_path / "sd-turbo").symlink_to(TINY)
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    process = context.Process(target=draw, args=(str(tmp_path / "sd-turbo"), queue))
    process.start()
    try:
        images = [postprocess_image(queue.get(timeout=60))[0] for _ in range(2)]
    finally:
        process.join(60)
    assert process.exitcode == 0
    assert images[0].tobytes() != images[1].tobytes()
