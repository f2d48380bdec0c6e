"""Images, videos and cameras."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Callable, Iterator, Literal, Mapping, NamedTuple, Optional

from . import _checks as check
from ._arrays import readable
from ._errors import pass_on_warnings
from ._frames import MICROSECONDS, Frame

if TYPE_CHECKING:
    from typing_extensions import Self

    import numpy as np
    import numpy.typing as npt

    from ._arrays import ImageLike
    from ._model import PathLike

#: How an image is fitted into a size with another aspect ratio: cuts off what is outside, fills up with black, or distorts.
Fit = Literal["crop", "pad", "stretch"]

class SourceInfo(NamedTuple):
    """The properties of a source.

    Attributes:
        width: width in pixels before the frames are fitted.
        height: height in pixels before the frames are fitted.
        frame_rate: frames per second.
        variable_frame_rate: True if frames may be unevenly spaced.
        frames: the estimated number of frames; 0 if unknown.
        has_audio: True if the source is a file with audio.
    """

    width: int
    height: int
    frame_rate: float
    variable_frame_rate: bool
    frames: int
    has_audio: bool


class Source:
    """A video, a camera, the screen or another input, which is read ahead on a thread of its own. It is an iterator of `Frame`.

    Of a live source the newest frame wins: frames that came while the program was busy are dropped.
    """

    def __init__(
        self,
        input: PathLike,
        *,
        size: tuple[int, int] | None = None,
        fit: Fit = "crop",
        format: str = "",
        capture_size: tuple[int, int] | None = None,
        frame_rate: float = 0.0,
        options: Mapping[str, str] | None = None,
        strict: bool = False,
        on_warning: Callable[[str], object] | None = None,
    ) -> None:
        """Opens a source.

        Args:
            input: a file (video, image), a folder of images, a camera ("/dev/video0"), the screen ("screen",
                "screen:640x480+100+50") or an address ("rtsp://...", "srt://...").
            size: width and height that frames are fitted into, for example `stream.size`. None: the source's own.
            fit: how frames are fitted.
            format: FFmpeg's name of the input format. Empty: detected.
            capture_size: width and height that a camera is asked for. None: its default.
            frame_rate: frames per second that a camera or the screen is asked for. 0: its default.
            options: options of FFmpeg's format, device or protocol.
            strict: raises MediaError for a damaged video, which otherwise causes a warning.
            on_warning: called with problems that stop nothing. None: they become warnings.

        Raises:
            MediaError: the input cannot be read.
        """
        from . import _media

        check.callback(on_warning, "on_warning")
        self._on_warning = on_warning
        #: What was opened: a path or an address.
        self.input = os.fsdecode(check.path(input, "input"))
        self._native = _media.SourceReader(
            self.input,
            check.text(format, "format"),
            *(check.size(size, "size") if size is not None else (0, 0)),
            check.text(fit, "fit"),
            *(check.size(capture_size, "capture_size") if capture_size is not None else (0, 0)),
            check.number(frame_rate, "frame_rate"),
            check.texts(options, "options"),
            bool(strict),
        )

    @property
    def info(self) -> SourceInfo:
        """The properties of the source."""
        return SourceInfo(**self._native.info())

    def __iter__(self) -> Iterator[Frame]:
        return self

    def __next__(self) -> Frame:
        frame = self._native.next()
        self._warn()
        if frame is None:
            raise StopIteration
        image, number, time = frame
        return Frame(image, number, time / MICROSECONDS)

    def _last_duration(self) -> int | None:
        """The duration of the last frame in microseconds, 0 if it is unknown; None unless all frames were taken."""
        return self._native.last_duration()

    def close(self) -> None:
        """Closes the source. An iteration, also one in another thread, ends."""
        self._native.close()

    def __reduce__(self) -> Any:
        raise TypeError("a source cannot be copied or pickled; open it again")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _warn(self) -> None:
        pass_on_warnings(self._native.take_warnings(), self._on_warning)

    def __repr__(self) -> str:
        info = self.info
        return f"Source({info.width}x{info.height}, {info.frame_rate:g} frames per second)"


def camera(number: int = 0, *, size: Optional[tuple[int, int]] = None, fit: Fit = "crop", **options: Any) -> Source:
    """Opens a camera: `for frame in camera(0, size=stream.size): ...`.

    Args:
        number: the number of the camera, as in /dev/video0.
        size: width and height that frames are fitted into.
        fit: how frames are fitted.
        options: further arguments of `Source`.
    """
    return Source(f"/dev/video{check.integer(number, 'number', 0)}", size=size, fit=fit, **options)


def video(path: PathLike, *, size: Optional[tuple[int, int]] = None, fit: Fit = "crop", **options: Any) -> Source:
    """Opens a video file; the arguments are those of `Source`."""
    return Source(path, size=size, fit=fit, **options)


def read_image(file: PathLike) -> npt.NDArray[np.uint8]:
    """Reads an image file (PNG, JPEG, WebP and others) as sRGB: uint8 values of the shape (height, width, 3). Raises MediaError."""
    from . import _media

    return _media.read_image(check.path(file, "file"))


def write_image(file: PathLike, image: ImageLike | Frame, *, quality: int = -1, text: Mapping[str, str] | None = None) -> None:
    """Writes a PNG, JPEG or WebP file, chosen by the extension.

    Args:
        file: the file.
        image: an image of any size.
        quality: of JPEG and WebP, 0 (worst) to 100; -1: the default.
        text: texts by keyword, which a PNG holds.
    """
    from . import _media

    pixels = readable(image.image if isinstance(image, Frame) else image)
    _media.write_image(check.path(file, "file"), pixels, check.texts(text, "the text"), check.integer(quality, "quality"))


def decode_image(data: Any, most_pixels: int = 1 << 27) -> npt.NDArray[np.uint8]:
    """Decodes the bytes of a PNG, JPEG or WebP file, which may come from an untrusted source.

    Args:
        data: the bytes of the file, or anything else with the buffer protocol.
        most_pixels: an image with more pixels is refused before its memory is allocated.

    Returns:
        uint8 values of the shape (height, width, 3).

    Raises:
        MediaError: the bytes are no image, or damaged.
    """
    from . import _media

    return _media.decode_image(data, check.integer(most_pixels, "most_pixels", 1, 2**63 - 1))


def encode_image(image: ImageLike | Frame, format: str = "png", *, quality: int = -1) -> bytes:
    """Returns the bytes of an image file; `format` is "png", "jpeg" or "webp", `quality` as of `write_image`."""
    from . import _media

    pixels = readable(image.image if isinstance(image, Frame) else image)
    return _media.encode_image(pixels, check.text(format, "format"), check.integer(quality, "quality"))


def fit_image(image: ImageLike | Frame, size: tuple[int, int], fit: Fit = "crop") -> npt.NDArray[np.uint8]:
    """Returns an image scaled to a width and height, with the filter that PIL calls Lanczos."""
    from . import _media

    return _media.fit_image(readable(image.image if isinstance(image, Frame) else image), *check.size(size, "size"), check.text(fit, "fit"))
