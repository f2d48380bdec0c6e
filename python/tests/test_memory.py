"""Tests that nothing grows with the number of frames.

STREAMDIFFUSION_PYTHON_FRAMES sets the number of frames: 100000 takes minutes.
"""

import gc
import os
import sys
from pathlib import Path

import numpy as np
import streamdiffusion_cpp as sd

FRAMES = int(os.environ.get("STREAMDIFFUSION_PYTHON_FRAMES", "500"))
#: Growth that a run may have. A copy of each frame's image would take twenty times as much.
GROWTH_ALLOWED = 256 * 1024
#: The allocator takes reserves now and then, but not in each of several runs.
RUNS = 3


def memory_in_use() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def least_growth(run):
    growths = []
    for _ in range(RUNS):
        before = memory_in_use()
        run()
        gc.collect()
        growths.append(memory_in_use() - before)
    return min(growths)


def run(stream, image, count):
    latents = stream.encode(image)
    for i in range(count):
        stream.step(image)
        if i % 10 == 0:
            stream.step(sd.Frame(image[:, ::-1], i, i / 25), output="float32")
            stream.step(latents=latents, output="latents")
            stream.update(seed=i % 3, prompt="red apple")
            try:
                stream.step(image[:5])
            except sd.ArgumentError:
                pass


def test_memory_and_references_stay_steady(model):
    image = np.random.default_rng(1).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    with sd.Stream(model, width=64, height=64, steps=1, on_denoising_step=lambda *_: True) as stream:
        run(stream, image, 100)
        gc.collect()
        objects, references = len(gc.get_objects()), (sys.getrefcount(image), sys.getrefcount(None))
        assert least_growth(lambda: run(stream, image, FRAMES)) < GROWTH_ALLOWED
        assert len(gc.get_objects()) - objects < 50
        assert sys.getrefcount(image) == references[0]
        assert abs(sys.getrefcount(None) - references[1]) < 50


def test_streams_are_freed(model):
    def make():
        stream = sd.Stream(model, width=64, height=64, steps=1)
        stream.step(np.zeros((64, 64, 3), np.uint8))

    def make_some():
        for _ in range(20):
            make()

    make()
    assert least_growth(make_some) < GROWTH_ALLOWED


def test_a_callback_that_knows_its_stream_is_freed(model):
    class Watcher:
        alive = 0

        def __init__(self):
            Watcher.alive += 1
            self.stream = sd.Stream(model, width=64, height=64, steps=1, on_denoising_step=self.watch)

        def watch(self, call, calls):
            return True

        def __del__(self):
            Watcher.alive -= 1

    for _ in range(3):
        Watcher()
    gc.collect()
    assert Watcher.alive == 0
