"""Runs the original StreamDiffusion on the CPU."""
import torch


class _NoEvent:  # Replaces CUDA events, with which the reference times itself and which the CPU lacks.
    def __init__(self, *a, **k): pass
    def record(self, *a): pass
    def elapsed_time(self, other): return 0.0


torch.cuda.Event = _NoEvent
torch.cuda.synchronize = lambda *a: None

from streamdiffusion.pipeline import StreamDiffusion


class CrossFrameAttention:
    """Self-attention whose keys and values come from every element of the batch (paper, section 3.2)."""

    def __call__(self, attn, hidden_states, encoder_hidden_states=None, attention_mask=None, temb=None, **kwargs):
        b, tokens, _ = hidden_states.shape
        heads = lambda x: x.unflatten(-1, (attn.heads, -1)).transpose(1, 2)
        everyone = lambda x: x.flatten(0, 1).unsqueeze(0).expand(b, -1, -1)
        k, v = everyone(attn.to_k(hidden_states)), everyone(attn.to_v(hidden_states))
        x = torch.nn.functional.scaled_dot_product_attention(heads(attn.to_q(hidden_states)), heads(k), heads(v))
        return attn.to_out[0](x.transpose(1, 2).flatten(2))


class ReferenceStream(StreamDiffusion):
    """The original StreamDiffusion with its mistakes fixed. Elsewhere it computes what the original does.

    With one denoising step, the residual of `self` guidance is the step's noise at every frame (eq. 5); the original feeds it back
    and diverges. A new prompt keeps the negative rows. v prediction is converted to noise prediction before guidance.
    AutoencoderKL encodes the mean.
    """

    def prepare(self, *args, **kwargs):
        super().prepare(*args, **kwargs)
        rows = self.prompt_embeds.shape[0] - self.batch_size
        self.negative_embeds = self.prompt_embeds[:rows]
        if self.scheduler.config.prediction_type == "v_prediction":
            network, alphas = self.pipe.unet, self.scheduler.alphas_cumprod

            def noise_prediction(x, t, **k):
                a = alphas[t].view(-1, 1, 1, 1)
                return (a.sqrt() * network(x, t, **k)[0] + (1 - a).sqrt() * x,)

            self.unet = noise_prediction

    def update_prompt(self, prompt):
        super().update_prompt(prompt)
        self.prompt_embeds = torch.cat([self.negative_embeds, self.prompt_embeds])

    def encode_image(self, image_tensors):
        code = self.vae.encode(image_tensors)
        latents = code.latents if hasattr(code, "latents") else code.latent_dist.mode()
        return self.add_noise(latents * self.vae.config.scaling_factor, self.init_noise[0], 0)

    def predict_x0_batch(self, x_t_latent):
        if self.use_denoising_batch and self.denoising_steps_num == 1:
            self.stock_noise = self.init_noise.clone()
        return super().predict_x0_batch(x_t_latent)


def run_stream(c, pipe, inputs, steps, step_noise=None):
    """Runs a stream without a frame buffer; the last input repeats. Returns x0, images, initial noise and timesteps."""
    s = ReferenceStream(pipe, t_index_list=c["t_index_list"], torch_dtype=torch.float32, width=c["width"], height=c["height"],
                        do_add_noise=c.get("do_add_noise", True), use_denoising_batch=step_noise is None, cfg_type=c["cfg_type"])
    s.prepare(prompt=c["prompt"], negative_prompt=c.get("negative_prompt", ""),
              num_inference_steps=c.get("num_inference_steps", 50), guidance_scale=c["guidance_scale"],
              delta=c.get("delta", 1.0), generator=torch.Generator(), seed=c["seed"])
    noise, timesteps = s.init_noise.clone(), torch.stack(s.sub_timesteps).to(torch.int64)
    real = torch.randn_like
    draws = iter([] if step_noise is None else step_noise.flatten(0, 1))
    torch.randn_like = lambda x, **k: next(draws)
    x0, images = [], []
    try:
        for i in range(steps):
            for e in c.get("events", []):
                if e["frame"] == i:
                    if "prompt" in e:
                        s.update_prompt(e["prompt"])
                    s.guidance_scale, s.delta = e.get("guidance_scale", s.guidance_scale), e.get("delta", s.delta)
            x = inputs[min(i, len(inputs) - 1)][None]
            if c["input"] == "images":
                x = s.encode_image(s.image_processor.preprocess(x, s.height, s.width))
            x0.append(s.predict_x0_batch(x))
            images.append(s.decode_image(x0[-1]))
    finally:
        torch.randn_like = real
    return torch.cat(x0), torch.cat(images), noise, timesteps
