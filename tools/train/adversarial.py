"""An adversarial loss: a small discriminator learns to tell real images or latents from made ones, which learn to pass. Trained for
small differences alone, a network gives the mean of all that its input may stand for, which is soft."""

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from training import Trainer


class Discriminator(nn.Module):
    """Judges each patch, as in "Image-to-Image Translation with Conditional Adversarial Networks" (Isola et al. 2017, arXiv
    1611.07004). Returns the judgements and the features of each layer. Each layer halves the size."""

    def __init__(self, channels, widths):
        super().__init__()
        widths = [channels, *widths]
        self.layers = nn.ModuleList(
            spectral_norm(nn.Conv2d(before, after, 4, 2, 1)) for before, after in zip(widths, widths[1:])
        )
        self.last = spectral_norm(nn.Conv2d(widths[-1], 1, 3, 1, 1))

    def forward(self, x):
        features = []
        for layer in self.layers:
            x = F.leaky_relu(layer(x), 0.2)
            features.append(x)
        return self.last(x), features


class Adversary:
    """A discriminator and its training, beside that of another network."""

    def __init__(self, discriminator, workers, minutes, path):
        self.discriminator = discriminator.to(workers.device, memory_format=torch.channels_last)
        self.trainer = Trainer(self.discriminator, workers, minutes, 4e-4, 1e-4, 0.99, path)

    def loss(self, differences, made, real, last_layer, share):
        """Returns what a network adds to its loss, `differences`: features that differ from those of the real samples, and what the
        discriminator judges as made. The gradient of the latter is `share` times that of the differences at the weights of the
        network's last layer, as in VQGAN (Esser et al. 2021, arXiv 2012.09841)."""
        judgement, features = self.discriminator(made)
        with torch.no_grad():
            wanted = self.discriminator(real)[1]
        matching = sum((a.float() - b.float()).abs().mean() for a, b in zip(features, wanted, strict=True))
        passing = -judgement.float().mean()
        norms = [torch.autograd.grad(loss, last_layer, retain_graph=True)[0].norm() for loss in (differences, passing)]
        weight = share * (norms[0] / (norms[1] + 1e-6)).clamp(max=100.0)
        return matching / len(features) + weight * passing

    def learn(self, made, real, progress):
        """Takes a step of the discriminator, by the hinge loss."""
        # The other network's loss has left gradients here.
        self.discriminator.zero_grad(set_to_none=True)
        with self.trainer.autocast():
            of_real, of_made = (self.discriminator(x)[0].float() for x in (real, made.detach()))
            loss = F.relu(1 - of_real).mean() + F.relu(1 + of_made).mean()
        self.trainer.update(loss, progress, len(real))
