"""The settings of the original's similarity filter (its module `streamdiffusion.image_filter`)."""

from __future__ import annotations

from collections.abc import Callable


class SimilarImageFilter:
    """Threshold and number of skips of the stream's similarity filter, which the engine itself computes.

    A change acts on the stream's next frame. `on_change` is called after each.
    """

    def __init__(
        self, threshold: float = 0.98, max_skip_frame: float = 10, on_change: Callable[[], None] = lambda: None
    ) -> None:
        self.threshold = threshold
        self.max_skip_frame = max_skip_frame
        self._on_change = on_change

    def set_threshold(self, threshold: float) -> None:
        """Sets the cosine similarity, 0 to 1, from which on frames may be skipped. At 1 none is skipped."""
        self.threshold = threshold
        self._on_change()

    def set_max_skip_frame(self, max_skip_frame: float) -> None:
        """Sets the number of skips after which a frame is computed in any case."""
        self.max_skip_frame = max_skip_frame
        self._on_change()
