"""Writes the adapter cases in tests/conformance/cases (unet-adapter-*). Each adapts few layers, so that the files are small.

    STREAMDIFFUSION_PROJECT=. python3 tests/files/make_adapter_cases.py
"""

import functools
import json

import kind_adapters

CASES = kind_adapters.MODEL.parent.parent


def of_peft(method, **options):
    return functools.partial(
        kind_adapters.peft_on_unet, configuration=lambda peft: getattr(peft, method)(**options)
    )


MADE = {
    "adalora": of_peft("AdaLoraConfig", init_r=3, target_r=2, lora_alpha=6, total_step=10, target_modules=["to_q"]),
    "biases": of_peft("LoraConfig", r=1, lora_alpha=6, lora_bias=True, target_modules=["to_q", "to_out.0"]),
    "doras": functools.partial(kind_adapters.several_of_peft, order=["plain", "dora", "other"], modules=["to_q"]),
    "ia3": of_peft("IA3Config", target_modules=["to_k", "ff.net.2", "conv1"], feedforward_modules=["ff.net.2"]),
    "lokr": of_peft("LoKrConfig", r=32, alpha=6, target_modules=["attn1.to_q"]),
    "modules-to-save": of_peft("LoraConfig", r=1, target_modules=["to_q"], modules_to_save=["conv_in"]),
    "norms": functools.partial(kind_adapters.lycoris_file, modules=["LayerNorm", "GroupNorm"], train_norm=True),
    "oft": of_peft("OFTConfig", r=0, oft_block_size=4, target_modules=["to_q", "proj_in"]),
    "patterns": of_peft("LoraConfig", r=1, lora_alpha=6, use_rslora=True, target_modules=["to_q"],
                        rank_pattern={"attn1.to_q": 4}, alpha_pattern={"attn1.to_q": 3}),
    "vera": of_peft("VeraConfig", r=2, target_modules=["to_q"]),
}  # fmt: skip


def main():
    for name, make in MADE.items():
        folder = CASES / f"unet-adapter-{name}"
        folder.mkdir(exist_ok=True)
        make(folder)
        for card in folder.rglob("README.md"):  # peft writes an empty model card.
            card.unlink()
        case = json.loads((folder / "case.json").read_text())
        case["model"] = f"../models/{kind_adapters.MODEL.name}"
        for lora in case["loras"]:
            lora["file"] = lora["file"].replace(str(CASES), "../..")
        (folder / "case.json").write_text(json.dumps(case, indent=1) + "\n")


if __name__ == "__main__":
    main()
