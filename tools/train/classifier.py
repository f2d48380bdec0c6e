"""A classifier of the thing in an image: a small convolutional network. It is trained on augmented originals only, so that it
can judge generated images. It accepts things in every place and size, turned, mirrored, soft and with the wrong proportions of rough
drawings, because other measures tell how exact and how sharp they are."""

import random

import numpy as np
import torch
from PIL import Image, ImageEnhance, ImageFilter
from torch import nn

import drawings
from training import learning_rate

SIDE = 96
SAMPLES_A_THING = 250
BATCH = 60
LARGEST_BLUR = 2.0  # Pixels. At 256x256 it is two thirds of a pixel of the latents.


def augmented(picture):
    """Puts an original on a background, bent and anywhere, as a drawing would stand there. Recolours and perhaps blurs it."""
    wider = drawings.wider_by_margin(picture)
    bent = drawings.Misproportions(random, wider.width).of_picture(wider)
    layer = drawings.placed(bent, drawings.random_placement(random), SIDE)
    scene = drawings.over(drawings.visible_background(random, SIDE, layer), layer)
    scene = ImageEnhance.Color(scene).enhance(random.uniform(0.7, 1.3))
    scene = ImageEnhance.Brightness(scene).enhance(random.uniform(0.85, 1.15))
    if random.random() < 0.7:
        scene = scene.filter(ImageFilter.GaussianBlur(random.uniform(0.3, LARGEST_BLUR)))
    return scene


def as_tensor(pictures):
    x = np.stack([np.asarray(picture.resize((SIDE, SIDE), Image.Resampling.BOX)) for picture in pictures])
    return torch.from_numpy(x).permute(0, 3, 1, 2).float() / 127.5 - 1


class MeanAndMaximum(nn.Module):
    """Reduces each channel to its mean and maximum over all places."""

    def forward(self, x):
        return torch.cat((x.mean((2, 3)), x.amax((2, 3))), 1)


def convolution(width, wider, stride=1):
    return [nn.Conv2d(width, wider, 3, stride, 1), nn.BatchNorm2d(wider), nn.ReLU()]


def new_network(classes):
    layers, width = convolution(3, 32, 2), 32
    for wider in (64, 128, 256):
        layers += [*convolution(width, wider), nn.MaxPool2d(2)]
        width = wider
    # Two more at the coarsest resolution see the whole thing, so that positions inside it (of mouth and eyes in a face) matter,
    # although its own place does not.
    layers += convolution(width, width) + convolution(width, width)
    return nn.Sequential(*layers, MeanAndMaximum(), nn.Dropout(0.2), nn.Linear(2 * width, classes))


def batch_of(things, count):
    labels = [random.randrange(len(things.names)) for _ in range(count)]
    x = as_tensor([augmented(things.pictures[label]) for label in labels])
    return x + 0.05 * torch.rand(count, 1, 1, 1) * torch.randn_like(x), torch.tensor(labels)


def accuracy(network, things, count=1000):
    x, labels = batch_of(things, count)
    return (network(x).argmax(1) == labels).float().mean().item()


def trained(things):
    """Trains a network and returns it in evaluation mode."""
    network = new_network(len(things.names)).to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(network.parameters(), weight_decay=0.02)
    steps = SAMPLES_A_THING * len(things.names) // BATCH
    for step in range(steps):
        x, labels = batch_of(things, BATCH)
        with torch.autocast("cpu", torch.bfloat16):
            loss = nn.functional.cross_entropy(
                network(x.to(memory_format=torch.channels_last)).float(), labels, label_smoothing=0.05
            )
        loss.backward()
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step / steps, 3e-3, 3e-5)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        if step % 100 == 0:
            print(f"classifier: step {step} of {steps}, loss {loss.item():.3f}", flush=True)
    return network.eval()


def load_or_train(path, things):
    if path.exists():
        stored = torch.load(path, weights_only=True)
        if stored["names"] == things.names:
            network = new_network(len(things.names))
            network.load_state_dict(stored["network"])
            return network.eval()
    network = trained(things)
    torch.save({"names": things.names, "network": network.state_dict()}, path)
    return network
