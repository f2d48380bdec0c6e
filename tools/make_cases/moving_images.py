"""Draws the images that networks and streams are given."""
import numpy as np
import torch


def frames(n, h, w, seed, still=(), drift=0.0):
    """Returns moving images in [0, 1], NCHW. Frames in `still` repeat the one before. With `drift`, a still image changes slightly."""
    rng = np.random.default_rng(seed)
    if drift:
        base, walk, out = rng.uniform(0.2, 0.8, (3, h, w)), 0.0, []
        for i in range(n):
            walk = walk + drift * rng.uniform(0, 1) * rng.standard_normal((3, h, w))
            out.append(np.clip(base + walk, 0, 1).astype(np.float32))
        return torch.from_numpy(np.stack(out))
    yy, xx = np.mgrid[0:h, 0:w].astype(np.float32)
    out = []
    for i in range(n):
        if i in still and out:
            out.append(out[-1].copy())
            continue
        img = np.stack([0.5 + 0.5 * np.sin(xx / (7 + c) + i * 0.4 + c) * np.cos(yy / (9 - c) - i * 0.3) for c in range(3)])
        img += 0.05 * rng.standard_normal(img.shape)
        cy, cx = (h / 2 + h / 3 * np.sin(i * 0.5), w / 2 + w / 3 * np.cos(i * 0.5))
        img[:, ((yy - cy) ** 2 + (xx - cx) ** 2) < (min(h, w) / 6) ** 2] = [[0.9], [0.2], [0.1]]
        out.append(np.clip(img, 0, 1).astype(np.float32))
    return torch.from_numpy(np.stack(out))
