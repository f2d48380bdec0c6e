#!/usr/bin/env python3
"""Writes diffusers-txt2img.png, the reference of test_txt2img.py. Needs torch, diffusers and transformers."""

from pathlib import Path

import torch
from diffusers import LCMScheduler, StableDiffusionPipeline

HERE = Path(__file__).resolve().parent

pipeline = StableDiffusionPipeline.from_pretrained(
    HERE.parent / "conformance/cases/models/tiny-sd15", torch_dtype=torch.float32, safety_checker=None
)
pipeline.scheduler = LCMScheduler.from_config(pipeline.scheduler.config)
pipeline(
    "a red boat on a lake",
    width=64,
    height=64,
    num_inference_steps=4,
    guidance_scale=1.0,
    generator=torch.Generator().manual_seed(7),
).images[0].save(HERE / "diffusers-txt2img.png")
