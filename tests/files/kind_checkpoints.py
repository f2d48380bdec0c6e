"""Models as current versions of diffusers, transformers, huggingface_hub and gguf save them. The expected images are those of
one step of diffusers' LCMScheduler with the saved pipeline's tokenizer, text encoder, UNet, noise levels and autoencoder."""

import functools
import json

from kind_adapters import MODEL, is_of_peft, randomise, reference
from reference_file import ReferenceFile

PROMPT = "a red boat on a lake"
STEP = 20  # Default index into LCM's 50 steps.


# ---- The models


def pipeline(model, torch):
    from diffusers import StableDiffusionPipeline
    from diffusers.utils import logging
    from transformers.utils import logging as transformers_logging

    for quiet in (logging, transformers_logging):
        quiet.set_verbosity_error()
        quiet.disable_progress_bar()
    return StableDiffusionPipeline.from_pretrained(MODEL.parent / model, safety_checker=None, torch_dtype=torch.float32)


def write_stream_case(folder, pipe, torch, saved="model", prompt=PROMPT, index=STEP):
    from diffusers import LCMScheduler
    from safetensors.torch import save_file

    scheduler = LCMScheduler.from_config(pipe.scheduler.config)
    scheduler.set_timesteps(50)
    step = scheduler.timesteps[index]
    text, _ = pipe.encode_prompt(prompt, "cpu", 1, do_classifier_free_guidance=False)
    latents = torch.randn(1, 4, 8, 8)
    prediction = pipe.unet(latents, step, text).sample
    x0 = scheduler.step(prediction, step, latents, return_dict=False)[1]
    images = pipe.vae.decode(x0 / pipe.vae.config.scaling_factor).sample
    tensors = {"in.init_noise": latents, "in.latents": latents.clone(), "out.timesteps": step.reshape(1), "out.x0": x0,
               "out.images": images}  # fmt: skip
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, folder / "tensors.safetensors")
    case = {"kind": "stream", "model": str(folder / saved), "width": 64, "height": 64, "frames": 1, "input": "latents",
            "prompt": prompt, "t_index_list": [index], "cfg_type": "none", "guidance_scale": 1.0, "seed": 1}  # fmt: skip
    (folder / "case.json").write_text(json.dumps(case))


def saved_pipeline(folder, change=lambda pipe, torch: None, model=MODEL.name, prompt=PROMPT, index=STEP, **options):
    with reference() as torch:
        pipe = pipeline(model, torch)
        change(pipe, torch)
        pipe.save_pretrained(folder / "model", **options)
        write_stream_case(folder, pipe, torch, prompt=prompt, index=index)


# ---- Changes before a model is saved


def schedule_with(class_name, **settings):
    def change(pipe, torch):
        import diffusers

        pipe.scheduler = getattr(diffusers, class_name).from_config(pipe.scheduler.config, **settings)

    return change


def rounded_pipeline(folder, dtype, **options):
    """Saves the model with rounded weights, with which the reference computes in float32."""
    with reference() as torch:
        pipe = pipeline(MODEL.name, torch)
        pipe.to(getattr(torch, dtype)).save_pretrained(folder / "model", **options)
        write_stream_case(folder, pipe.to(torch.float32), torch)


def cast_layer_by_layer(dtype, pipe, torch):
    pipe.unet.enable_layerwise_casting(storage_dtype=getattr(torch, dtype), compute_dtype=torch.float32)


def add_word(pipe, torch):
    pipe.load_textual_inversion({"<cat-toy>": torch.randn(2, 32)}, token="<cat-toy>")


def fuse_adapter(pipe, torch):
    import peft

    pipe.unet.add_adapter(peft.LoraConfig(r=2, lora_alpha=6, target_modules=["to_q", "conv1"]), "default")
    randomise(pipe.unet, torch, is_of_peft)
    pipe.unet.fuse_lora()
    pipe.unet.unload_lora()


# ---- Other file formats


def dduf_file(folder):
    from huggingface_hub import export_folder_as_dduf

    saved_pipeline(folder)
    export_folder_as_dduf(str(folder / "model.dduf"), folder / "model")
    case = json.loads((folder / "case.json").read_text())
    (folder / "case.json").write_text(json.dumps(case | {"model": str(folder / "model.dduf")}))


def gguf_file(folder):
    import gguf

    with reference() as torch:
        pipe = pipeline(MODEL.name, torch)
        write_stream_case(folder, pipe, torch, saved="model.gguf")
        writer = gguf.GGUFWriter(str(folder / "model.gguf"), "sd1")
        for name, tensor in pipe.unet.state_dict().items():
            if tensor.dim() == 2 and tensor.shape[1] % 32 == 0:
                packed = gguf.quantize(tensor.numpy(), gguf.GGMLQuantizationType.Q8_0)
                writer.add_tensor(name, packed, raw_dtype=gguf.GGMLQuantizationType.Q8_0)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()


# ---- The list


LIBRARIES = ("torch", "diffusers", "transformers", "safetensors")


def file(name, make, requires=(), refused=(), **options):
    return ReferenceFile(f"checkpoint {name}", functools.partial(make, **options), (*LIBRARIES, *requires), refused)


def schedulers():
    def scheduler(name, class_name, refused=(), model=MODEL.name, index=STEP, **settings):
        return file(f"with {name}", saved_pipeline, refused=refused, change=schedule_with(class_name, **settings), model=model,
                    index=index)  # fmt: skip

    return [
        scheduler("DDIM", "DDIMScheduler"),
        scheduler("PNDM", "PNDMScheduler", skip_prk_steps=True),
        scheduler("Euler", "EulerDiscreteScheduler", timestep_spacing="trailing"),
        scheduler("DPM-Solver++", "DPMSolverMultistepScheduler", use_karras_sigmas=True),
        scheduler("DPM-Solver, one step", "DPMSolverSinglestepScheduler", final_sigmas_type="zero"),
        scheduler("SA-Solver", "SASolverScheduler"),
        scheduler("UniPC", "UniPCMultistepScheduler", beta_schedule="linear", beta_start=0.0001, beta_end=0.02),
        scheduler("DEIS and cosine noise levels", "DEISMultistepScheduler", beta_schedule="squaredcos_cap_v2"),
        scheduler("TCD", "TCDScheduler"),
        scheduler("no signal at the last level", "DDIMScheduler", rescale_betas_zero_snr=True),
        scheduler("no signal to predict noise from", "DDIMScheduler", ("rescale_betas_zero_snr", "epsilon"), index=0,
                  rescale_betas_zero_snr=True),  # fmt: skip
        scheduler("v prediction without signal", "DDIMScheduler", model="tiny-v", index=0, rescale_betas_zero_snr=True),
        scheduler("v prediction", "EulerAncestralDiscreteScheduler", model="tiny-v"),
        scheduler("noise levels of its own", "DDPMScheduler", trained_betas=[0.0001 + 0.00001 * i for i in range(1000)]),
    ]


def files():
    return [
        *schedulers(),
        file("as it is", saved_pipeline),
        file("of Stable Diffusion 2", saved_pipeline, model="tiny-sd21"),
        file("with a full autoencoder", saved_pipeline, model="tiny-kl"),
        file("in many pieces", saved_pipeline, max_shard_size="100KB"),
        file("of a variant", rounded_pipeline, dtype="float16", variant="fp16"),
        file("in bfloat16 and pieces", rounded_pipeline, dtype="bfloat16", max_shard_size="50KB"),
        file("in float8_e4m3fn", saved_pipeline, change=functools.partial(cast_layer_by_layer, "float8_e4m3fn")),
        file("in float8_e5m2", saved_pipeline, change=functools.partial(cast_layer_by_layer, "float8_e5m2")),
        file("with a word of its own", saved_pipeline, change=add_word, prompt="a <cat-toy> on a lake"),
        file("with a fused LoRA", saved_pipeline, change=fuse_adapter, requires=["peft"]),
        file("in a DDUF file", dduf_file, requires=["huggingface_hub"]),
        file("in a GGUF file", gguf_file, requires=["gguf"], refused=("GGUF", "diffusers folder")),
    ]
