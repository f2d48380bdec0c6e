"""Code that all training scripts share: processes, a time budget for the learning rate, checkpoints, and averaged weights."""

import copy
import math
import os
import random
import time

import numpy as np
import torch
import torch.distributed as distributed


class Workers:
    """One process, or the processes that torchrun started. On few CPU cores, a single-threaded process per core is faster than
    one process with many threads. Processes synchronise once a step, threads at every operation."""

    def __init__(self, device, seed):
        self.rank, self.count = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
        if self.count > 1:
            torch.set_num_threads(1)
            distributed.init_process_group("gloo" if device == "cpu" else "nccl")
        self.device = torch.device(device, self.rank) if device == "cuda" else torch.device(device)
        for module in (random, np.random, torch):
            getattr(module, "manual_seed" if module is torch else "seed")(seed * 1000 + self.rank)

    @property
    def is_first(self):
        return self.rank == 0

    def share(self, value):
        """Returns the first process's value in all processes."""
        if self.count == 1:
            return value
        tensor = torch.tensor([value], dtype=torch.float64, device=self.device)
        distributed.broadcast(tensor, 0)
        return tensor.item()

    def start_equal(self, module):
        if self.count > 1:
            for tensor in module.state_dict().values():
                distributed.broadcast(tensor, 0)

    def average_gradients(self, parameters):
        if self.count == 1:
            return
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        flat = torch._utils._flatten_dense_tensors(gradients)
        distributed.all_reduce(flat)
        flat /= self.count
        for gradient, averaged in zip(gradients, torch._utils._unflatten_dense_tensors(flat, gradients)):
            gradient.copy_(averaged)


class Budget:
    """The progress of a run with a limit in minutes, from 0 to 1. Time in earlier, interrupted runs counts."""

    def __init__(self, workers, minutes, used=0.0):
        self.workers, self.seconds, self.used = workers, minutes * 60, used
        self.last = time.monotonic()

    def progress(self):
        # A step counts for at most 30 s, because the process may have been stopped during it.
        now = time.monotonic()
        self.used += min(now - self.last, 30)
        self.last = now
        return min(1.0, self.workers.share(self.used / self.seconds))


def learning_rate(progress, highest, lowest, warm_up=0.02):
    """Returns the learning rate: a linear warm-up, then a cosine from the highest to the lowest."""
    cosine = lowest + (highest - lowest) * 0.5 * (1 + math.cos(math.pi * progress))
    return cosine * min(1.0, (progress + 1e-3) / warm_up)


class Average:
    """An exponential moving average of a module's weights."""

    def __init__(self, module, decay):
        self.module, self.decay, self.steps = copy.deepcopy(module).requires_grad_(False), decay, 0

    @torch.no_grad()
    def update(self, module):
        self.steps += 1
        weight = 1 - min(self.decay, self.steps / (self.steps + 10))
        for average, value in zip(self.module.parameters(), module.parameters()):
            average.lerp_(value, weight)


class Trainer:
    """Trains one module: optimizer steps, learning rate, averaged weights and checkpoints."""

    def __init__(self, module, workers, minutes, highest, lowest, decay, path):
        self.module, self.workers, self.path = module, workers, path
        self.highest, self.lowest = highest, lowest
        workers.start_equal(module)
        self.parameters = [parameter for parameter in module.parameters() if parameter.requires_grad]
        self.optimizer = torch.optim.AdamW(
            self.parameters, lr=highest, betas=(0.9, 0.99), weight_decay=1e-3, fused=True
        )
        self.average = Average(module, decay)
        self.samples, self.step, self.loss, self.history = 0, 0, 0.0, []
        self.budget = Budget(workers, minutes)
        self.started = time.monotonic()
        if path.exists():
            self.load()

    def load(self):
        state = torch.load(self.path, map_location=self.workers.device, weights_only=True)
        self.module.load_state_dict(state["module"])
        self.average.module.load_state_dict(state["average"])
        self.average.steps = self.step = state["step"]
        self.optimizer.load_state_dict(state["optimizer"])
        self.samples, self.budget.used, self.history = state["samples"], state["used"], state["history"]
        self.loss = self.history[-1][2] if self.history else 0.0

    def save(self):
        if self.workers.is_first:
            state = {
                "module": self.module.state_dict(),
                "average": self.average.module.state_dict(),
                "step": self.step,
                "optimizer": self.optimizer.state_dict(),
                "samples": self.samples,
                "used": self.budget.used,
                "history": self.history,
            }
            torch.save(state, self.path.with_suffix(".new"))
            self.path.with_suffix(".new").replace(self.path)

    def autocast(self):
        return torch.autocast(self.workers.device.type, torch.bfloat16)

    def progress(self):
        return self.budget.progress()

    def update(self, loss, progress, samples):
        """Takes an optimizer step for a loss over `samples` samples in each process."""
        loss.backward()
        self.workers.average_gradients(self.parameters)
        torch.nn.utils.clip_grad_norm_(self.parameters, 1.0)
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(progress, self.highest, self.lowest)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.average.update(self.module)
        self.step += 1
        self.samples += samples * self.workers.count
        self.loss = 0.98 * self.loss + 0.02 * loss.item() if self.step > 1 else loss.item()

    def report(self, progress, text=""):
        self.history.append((self.budget.used, self.samples, self.loss))
        if self.workers.is_first:
            print(
                f"{progress:6.1%} {self.budget.used / 60:6.1f} min step {self.step} samples {self.samples} "
                f"({self.samples / max(1, self.budget.used):.1f}/s) loss {self.loss:.4f} {text}",
                flush=True,
            )
