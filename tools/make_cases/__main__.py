"""Writes reference cases (see tests/conformance/FORMAT.md) by running the Python reference implementations.

    pip install torch diffusers transformers safetensors peft numpy
    pip install --no-deps streamdiffusion==0.1.1
    python tools/make_cases --out cases [--only NAME...]

References: `diffusers` (UNet, VAE, LCM scheduler, LoRA), `transformers` (CLIP text model and
tokenizer) and the original Python `streamdiffusion` 0.1.1 (the stream). All weights are random
and seeded; every tensor is float32 on the CPU unless the model says otherwise.
"""
import argparse, importlib.util
from pathlib import Path

import torch
from case_specs import CASES
from cases import write_cases
from model_specs import MODELS


def parse_arguments():
    p = argparse.ArgumentParser(prog="make_cases", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--out", default="cases")
    p.add_argument("--merges", help="bpe_simple_vocab_16e6.txt.gz (default: the copy in the package open_clip_torch)")
    p.add_argument("--only", nargs="*", metavar="NAME", help="cases to write (default: all)")
    return p.parse_args()


def main():
    a = parse_arguments()
    torch.set_grad_enabled(False)
    merges = a.merges or Path(importlib.util.find_spec("open_clip").origin).parent / "bpe_simple_vocab_16e6.txt.gz"
    cases = {name: c for name, c in CASES.items() if not a.only or name in a.only}
    write_cases(a.out, {c["model"]: MODELS[c["model"]] for c in cases.values()}, cases, merges)


main()
