"""Steps of several streams that share calls of the UNet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Sequence

from . import _checks as check
from . import _native
from ._errors import ArgumentError
from ._stream import Stream

if TYPE_CHECKING:
    from ._arrays import Output


def step_streams(streams: Sequence[Stream], images: Sequence[Any], *, output: Output = "uint8") -> list[Any]:
    """Runs `Stream.step` of several streams of one model. Those of the same size and LoRA scales share one call of the UNet, which takes
    less time than a call for each if they have few rows.

    Args:
        streams: the streams, each once.
        images: the image of each stream, or its list of frame_buffer_size images, as of `Stream.step`.
        output: the form of the results.

    Returns:
        What `Stream.step` returns, for each stream.

    Raises:
        ArgumentError: the streams have different models, one is listed twice, or an image does not fit. All streams are then as they
            were.
    """
    chosen, given = check.several(streams, "streams"), check.several(images, "images")
    if len(chosen) != len(given):
        raise ArgumentError(f"{len(given)} images are given for {len(chosen)} streams; give one for each")
    for stream in chosen:
        check.instance(stream, Stream, "a stream", "a Stream")
    pairs = list(zip(chosen, given))
    steps = [(stream._native, stream._step_inputs(image, False, 0, 0.0), stream._on_step) for stream, image in pairs]
    results = _native.step_streams(steps, check.text(output, "output"))
    return [stream._step_results(image, finished, output) for (stream, image), finished in zip(pairs, results)]
