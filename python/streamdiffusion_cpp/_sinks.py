"""Videos and other outputs for frames."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Callable, Mapping

from . import _checks as check
from ._arrays import readable
from ._errors import pass_on_warnings
from ._frames import Frame
from ._sources import Source

if TYPE_CHECKING:
    from typing_extensions import Self

    from ._arrays import ImageLike
    from ._model import PathLike


class Sink:
    """A video file, a folder of images, a window or a live output that takes frames.

    In a `with` statement the output is completed at the end. If an exception ends the statement, no video file is left, and one that
    existed stays as it was.
    """

    def __init__(
        self,
        output: PathLike,
        *,
        size: tuple[int, int],
        source: Source | None = None,
        frame_rate: float | None = None,
        audio_from: PathLike | None = None,
        quality: int = -1,
        codec: str = "",
        format: str = "",
        metadata: Mapping[str, str] | None = None,
        options: Mapping[str, str] | None = None,
        low_latency: bool = False,
        strict: bool = False,
        on_warning: Callable[[str], object] | None = None,
    ) -> None:
        """Opens an output.

        Args:
            output: a video file, a single image, a folder or pattern of images ("out/", "out/%05d.png"), "window", a virtual
                camera ("/dev/video10") or an address ("rtmp://...", "srt://...").
            size: width and height of the frames in pixels, for example `stream.size`.
            source: where the frames come from. The video has its frame rate and its sound, which stays in step with the times of
                the frames, and ends with it.
            frame_rate: frames per second, above 0, at most 1000. None: the source's, or else 25.
            audio_from: a video file whose sound is copied. None: the source's file, if it has sound.
            quality: 0 (worst) to 100; -1: the default.
            codec: FFmpeg's name of the encoder. Empty: the default of the container, which the extension chooses.
            format: FFmpeg's name of the output format. Empty: by the extension.
            metadata: texts by keyword that the file holds.
            options: options of FFmpeg's encoder, format, device or protocol.
            low_latency: makes the encoder hold back no frame. Live outputs always do.
            strict: raises MediaError for sound that cannot be kept, which otherwise causes a warning.
            on_warning: called with problems that stop nothing. None: they become warnings.

        Raises:
            ArgumentError: a size, a frame rate or a quality is out of range.
            MediaError: the output cannot be written, or an encoder is missing.
        """
        from . import _media

        check.callback(on_warning, "on_warning")
        if source is not None:
            check.instance(source, Source, "source", "a Source, as video returns it")
            if audio_from is None and source.info.has_audio:
                audio_from = source.input
        if frame_rate is None:
            frame_rate = source.info.frame_rate if source is not None else 25.0
        self._frame_rate = check.number(frame_rate, "frame_rate")
        self._source = source
        self._next_time = 0.0
        self._written = 0
        self._on_warning = on_warning
        self._native = _media.SinkWriter(
            os.fsdecode(check.path(output, "output")),
            *check.size(size, "size"),
            self._frame_rate,
            None if audio_from is None else os.fsdecode(check.path(audio_from, "audio_from")),
            check.text(format, "format"),
            check.text(codec, "codec"),
            check.integer(quality, "quality", -1, 100),
            check.texts(metadata, "metadata"),
            check.texts(options, "options"),
            bool(low_latency),
            bool(strict),
        )
        self._warn()

    def write(self, image: ImageLike | Frame) -> None:
        """Writes an image of the sink's size. A `Frame` is shown at its time, counted from the first one's; another image one frame
        interval after the image before."""
        frame = image if isinstance(image, Frame) else Frame(image, self._written, self._next_time)
        self._native.write(readable(frame.image), frame.number, frame.microseconds())
        self._next_time = frame.time + 1 / self._frame_rate
        self._written += 1
        self._warn()

    def finish(self) -> None:
        """Completes the output, so that it can be played. Later calls of `write` raise ArgumentError."""
        self._native.finish(None if self._source is None else self._source._last_duration())
        self._warn()

    def close(self) -> None:
        """Gives up an output that `finish` has not completed."""
        self._native.close()

    @property
    def window_closed(self) -> bool:
        """True if the output is a window that the user has closed. Further frames are taken and not shown."""
        return self._native.is_window_closed()

    def __reduce__(self) -> Any:
        raise TypeError("a sink cannot be copied or pickled; open another one")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self.finish()
        finally:
            self.close()

    def _warn(self) -> None:
        pass_on_warnings(self._native.take_warnings(), self._on_warning)
