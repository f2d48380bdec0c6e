"""Writes the folders of cases."""
import json, os, time
from pathlib import Path

from diffusers import AutoencoderTiny
from kinds import KINDS
from models import load, write_model
from safetensors.torch import save_file
from single_files import write_single_file


def write_cases(out, models, cases, merges_file):
    out = Path(out)
    (out / "models").mkdir(parents=True, exist_ok=True)
    single_files = {name: write_single_file(out / "models" / f"{name}.safetensors.gz", spec, merges_file)
                    for name, spec in models.items() if "single_file" in spec}
    for name, spec in models.items():
        if name not in single_files and not (out / "models" / name).exists():
            write_model(out / "models" / name, spec, merges_file)
    for name, c in cases.items():
        model_dir = out / "models" / c["model"]
        start = time.time()
        pipe = single_files.get(c["model"]) or load(model_dir)
        if "vae" in c:
            pipe.vae = AutoencoderTiny.from_pretrained(os.path.normpath(out / name / c["vae"])).float().eval()
        tensors = KINDS[c["kind"]](c, pipe, model_dir)
        folder = out / name
        folder.mkdir(parents=True, exist_ok=True)
        description = dict(c, model="../models/" + c["model"] + (".safetensors.gz" if c["model"] in single_files else ""))
        (folder / "case.json").write_text(json.dumps(description, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        save_file({k: v.contiguous().clone() for k, v in tensors.items()}, str(folder / "tensors.safetensors"))
        worst = max((v.abs().max().item() for k, v in tensors.items() if k.startswith("out.") and v.is_floating_point()), default=0)
        print(f"{name}: {c['kind']}, largest output {worst:.3f}, {time.time() - start:.1f} s", flush=True)
