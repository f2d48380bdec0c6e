"""Measures of how well a model redraws a rough drawing, as the eye sees it. Pure functions of numpy arrays: images are
height x width x 3 with values from 0 to 255, masks are height x width and true at the thing."""

import numpy as np

# Largest difference of a channel at which a pixel still counts as the background's. See docs/default-model.md.
TOLERANCE = 24
# Outlines are exact to one pixel of the latents, 8 pixels of 256: this share of the side.
OUTLINE_MARGIN = 1 / 32


def differs(first, second):
    """Returns a mask of the pixels at which two images differ by more than TOLERANCE in a channel."""
    return np.abs(np.asarray(first, float) - np.asarray(second, float)).max(2) > TOLERANCE


def grown(mask, pixels):
    """Returns the mask with each true pixel grown to a square that reaches so many pixels to each side."""
    for axis in (0, 1):
        padded = np.pad(mask, [(pixels, pixels) if a == axis else (0, 0) for a in (0, 1)])
        mask = np.lib.stride_tricks.sliding_window_view(padded, 2 * pixels + 1, axis).any(-1)
    return mask


def margin(mask):
    return round(len(mask) * OUTLINE_MARGIN)


def reached_downwards(reached, free):
    """Spreads `reached` from each row to the next one, and along each row, over free pixels."""
    reached = reached & free
    for y in range(len(reached)):
        if y > 0:
            reached[y] |= reached[y - 1] & free[y]
        reached[y] = reached_along(reached[y], free[y])
    return reached


def reached_along(row, free):
    """Returns the pixels of a row in a run of free ones that has a reached one."""
    runs = np.cumsum(~free)
    return free & np.isin(runs, runs[row & free])


def filled(mask):
    """Returns the mask with its holes: all that is not connected with the border of the image around the mask."""
    free = np.pad(~mask, 1, constant_values=True)
    reached = np.zeros_like(free)
    reached[0] = True
    before = 0
    while reached.sum() > before:
        before = reached.sum()
        reached = reached_downwards(reached, free)
        reached = reached_downwards(reached[::-1], free[::-1])[::-1]
    return ~reached[1:-1, 1:-1]


def without_shift(output, background, mask):
    """Returns the output less the shift of its background's shade: the median difference outside the mask. A shift does not change
    the outline; ghost_share counts it."""
    outside = ~mask
    if not outside.any():
        return output
    return output - np.median((np.asarray(output, float) - background)[outside], 0)


def thing_in(output, background, mask):
    """Returns the mask of the thing in an output: all inside the outline of what differs from the background. The drawn mask
    tells only where the background's shade is to be taken from."""
    return filled(differs(without_shift(output, background, mask), background))


def overlap(first, second):
    """Returns the intersection of two masks over their union; 1 if both are empty."""
    union = (first | second).sum()
    return (first & second).sum() / union if union else 1.0


def outline_overlap(output, background, mask):
    """Returns how far the outline of the thing in the output is the drawn one, from 0 to 1. Holes count as parts of the thing, since
    colours inside it may be those of the background."""
    return overlap(thing_in(output, background, mask), filled(mask))


def gradient_energy(image, region):
    """Returns the sum of the squared differences between neighbours, over pairs of pixels in the region and over channels."""
    image = np.asarray(image, float)
    across = (np.diff(image, axis=1) ** 2).sum(2)[region[:, 1:] & region[:, :-1]].sum()
    return across + (np.diff(image, axis=0) ** 2).sum(2)[region[1:] & region[:-1]].sum()


def sharpness(output, original, region):
    """Returns the output's energy of gradients in proportion to the original's: 1 is as sharp, less is softer."""
    return gradient_energy(output, region) / gradient_energy(original, region)


def ghost_share(output, background, mask):
    """Returns the share of the background that is not as drawn. The thing and a margin around it do not count: there the outline's
    overlap judges. 0 if there is no background left."""
    outside = ~grown(filled(mask), margin(mask))
    return differs(output, background)[outside].mean() if outside.any() else 0.0


def moved_back(frame, offset):
    """Returns the frame moved by (-x, -y) whole pixels. Pixels that come from outside it are 0."""
    x, y = offset
    height, width = frame.shape[:2]
    result = np.zeros_like(frame)
    result[max(0, -y) : height - max(0, y), max(0, -x) : width - max(0, x)] = frame[
        max(0, y) : height - max(0, -y), max(0, x) : width - max(0, -x)
    ]
    return result


def change_between_frames(frames, offsets, mask):
    """Returns the mean absolute change of a channel, in levels, from each frame to the next, at the thing. The frames show a
    drawing whose thing has moved by `offsets` since `mask`, and are moved back by them: a steady output has 0."""
    back = [moved_back(np.asarray(frame, float), offset) for frame, offset in zip(frames, offsets, strict=True)]
    return float(np.mean([np.abs(after - before)[mask].mean() for before, after in zip(back, back[1:])]))
