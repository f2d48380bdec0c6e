"""Latents with captions and timesteps: what train.py learns from."""

import random
from dataclasses import dataclass

import torch

import model
import views

BACKGROUND_IS_SEEN_BELOW = 850  # Timestep below which noisy latents show the background and the thing's place.


@dataclass
class Batch:
    start: torch.Tensor  # Latents that noise is added to.
    x: torch.Tensor  # Latents that they are to become.
    t: torch.Tensor
    ids: torch.Tensor

    def joined(self, other):
        return Batch(*(torch.cat(both) for both in zip(vars(self).values(), vars(other).values(), strict=True)))


class Shuffled:
    """Indices in random order, each as often as the others."""

    def __init__(self):
        self.order = []

    def next(self, count, total):
        while len(self.order) < count:
            self.order += random.sample(range(total), total)
        indices, self.order = self.order[:count], self.order[count:]
        return indices


class Views:
    """Views of one size, from encode.py. They are to stay what they are."""

    def __init__(self, path, things, tokenizer, device):
        stored = torch.load(path, weights_only=True)
        self.latents, self.shown = stored["latents"], stored["shown"]
        self.things, self.tokenizer, self.device = things, tokenizer, device
        self.indices = Shuffled()

    def batch(self, t):
        indices = self.indices.next(len(t), len(self.latents))
        captions = [
            views.caption(self.things, self.shown[index], at < BACKGROUND_IS_SEEN_BELOW)
            for index, at in zip(indices, t.tolist(), strict=True)
        ]
        x = on_device(self.latents[indices], self.device)
        return Batch(x, x, t.to(self.device), token_ids(self.tokenizer, captions, self.device))


class Drawings:
    """Rough drawings of one size, from encode_drawings.py. They are to become exact."""

    def __init__(self, folder, things, tokenizer, device):
        self.folder, self.things, self.tokenizer, self.device = folder, things, tokenizer, device
        self.files, self.parts, self.indices = [], [], Shuffled()
        self.read_new_files()

    def read_new_files(self):
        """Reads files that have been written since the last call."""
        new = sorted(set(self.folder.glob("*.pt")) - set(self.files))
        self.files += new
        self.parts += [torch.load(path, weights_only=True) for path in new]
        if not self.parts:
            raise SystemExit(f"{self.folder}: no drawings; run encode_drawings.py")

    def batch(self, t):
        counts = [len(part["shown"]) for part in self.parts]
        pairs = [at(counts, index) for index in self.indices.next(len(t), sum(counts))]
        captions = [views.caption_of_drawing(self.things, self.parts[part]["shown"][i]) for part, i in pairs]
        drawn, exact = (
            on_device(torch.stack([self.parts[part][which][i] for part, i in pairs]), self.device)
            for which in ("drawn", "exact")
        )
        return Batch(drawn, exact, t.to(self.device), token_ids(self.tokenizer, captions, self.device))


def at(counts, index):
    """Returns the part, and the index in it, of an index into parts of these lengths."""
    for part, count in enumerate(counts):
        if index < count:
            return part, index
        index -= count
    raise IndexError(index)


def on_device(latents, device):
    return latents.float().to(device, memory_format=torch.channels_last)


def token_ids(tokenizer, captions, device):
    """Tokenizes captions. A tenth become empty, for guidance and for unknown prompts, whose embeddings are close to it."""
    captions = ["" if random.random() < 0.1 else caption for caption in captions]
    return model.tokenize(tokenizer, captions).to(device)


def stratified_timesteps(count):
    """Returns timesteps in ascending order that cover all noise levels."""
    return ((torch.arange(count) + torch.rand(count)) * 1000 / count).long()
