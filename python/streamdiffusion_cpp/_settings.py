"""The types of the settings. tools/make_python_settings.py writes this file from the library's table of settings."""

from __future__ import annotations

from typing import Any, Literal, Mapping, Optional, Sequence, TypedDict


class WeightedPrompt(TypedDict, total=False):
    """One of the prompts; `weight` is 1 unless it is given."""

    text: str
    weight: float


class WeightedSeed(TypedDict, total=False):
    """One of the seeds; `weight` is 1 unless it is given."""

    seed: int
    weight: float


class Settings(TypedDict, total=False):
    """The settings of a stream by name."""

    #: Classifier-free guidance: full (twice the work), or the paper's residual guidance: self (no extra work), initialize (one
    #: extra row) (default "self").
    cfg_type: Literal["none", "full", "self", "initialize"]
    #: Self-attention looks at all frames of the batch: steadier video, a little slower (default false).
    cross_frame_attention: bool
    #: Strength of the residual noise in self and initialize; lower is softer (0 to 1000, default 1.0).
    delta: float
    #: Add noise between the denoising steps (default true).
    do_add_noise: bool
    #: Guidance that a model with time_cond_proj_dim (LCM Dreamshaper) is told to imitate, as it was distilled to: diffusers'
    #: guidance_scale - 1; other models take none (-1000 to 1000, default null).
    guidance_embedding: Optional[float]
    #: How strongly the prompt guides; up to 1 guidance is off (0 to 1000, default 1.0).
    guidance_scale: float
    #: Scales of the LoRAs that the model was loaded with; 0 is without it, 1 as it was made (default {}).
    loras: Mapping[str, float]
    #: After so many skipped frames in a row one is drawn anyway (0 to 1000000, default 10).
    max_skip_frame: int
    #: What not to draw (with guidance of the type full or initialize) (default "").
    negative_prompt: str
    #: Length of the schedule, from noise to image, in which the indices of the denoising steps count (1 to 1000, default 50).
    num_inference_steps: int
    #: What to draw (default "").
    prompt: str
    #: How several prompts are blended; slerp: on the sphere (default "linear").
    prompt_blend: Literal["linear", "slerp"]
    #: How long a new prompt takes to take over from the old one (0 to 3600, seconds, default 0.0).
    prompt_transition: float
    #: Several prompts, blended by their weights; they take the place of the prompt (default []).
    prompts: Sequence[WeightedPrompt]
    #: Seed of the noise: the same seed draws the same image; -1 draws a random seed (default 2).
    seed: int
    #: How long the noise of a new seed takes to take over (0 to 3600, seconds, default 0.0).
    seed_transition: float
    #: Several seeds, whose noise is blended by their weights; they take the place of the seed (default []).
    seeds: Sequence[WeightedSeed]
    #: Frames as similar as this to the last one are skipped at random (0.98 is a good value), and the last result shown again; 1
    #: skips none (0 to 1, default 1.0).
    similarity_threshold: float
    #: Denoising steps: fewer are quicker, more are cleaner; 1 to 4 suit models made for few steps (LCM, Turbo) (1 to 1000,
    #: default 2).
    steps: int
    #: How much of the input is drawn anew: little keeps it, 1 keeps nothing of it (as text to image does) (above 0, at most 1,
    #: default 0.5).
    strength: float
    #: The denoising steps as indices into the schedule, rising, 0 the noisiest; they take the place of strength and steps
    #: (default []).
    t_index_list: Sequence[int]
    #: Embedding of the prompt, in place of `prompt` and `prompts`: float32 values of the shape (prompt_tokens, embedding_width),
    #: as Model.encode_prompt returns them.
    prompt_embeds: Any
    #: Embedding of the negative prompt, in place of `negative_prompt`, as prompt_embeds.
    negative_prompt_embeds: Any
