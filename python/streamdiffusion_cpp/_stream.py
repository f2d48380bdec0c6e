"""Streams."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Callable, NamedTuple, Optional, Sequence, overload

from . import _checks as check
from . import _native
from ._arrays import Output, readable
from ._errors import ArgumentError
from ._frames import MICROSECONDS, Frame
from ._model import Model
from ._parameters import EMBEDS, Parameters, require_parameters, split

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack

    from ._arrays import Array, FloatArray, ImageLike, LatentsLike
    from ._settings import Settings

#: Called before each call of the UNet with the call's index and the number of calls. Returns False to stop the call.
OnDenoisingStep = Callable[[int, int], Optional[bool]]


class LatentShape(NamedTuple):
    """The shape of a frame's latents."""

    channels: int
    height: int
    width: int


class Statistics(NamedTuple):
    """Counts and times since the stream was made.

    Attributes:
        steps: UNet calls that the stream took part in.
        skipped: frames that the similarity filter skipped.
        encode_seconds: time in the autoencoder's encoder.
        unet_seconds: time in the UNet.
        decode_seconds: time in the autoencoder's decoder.
        operations: floating-point operations; only the device "counting" counts them.
    """

    steps: int
    skipped: int
    encode_seconds: float
    unet_seconds: float
    decode_seconds: float
    operations: float


class Stream:
    """One stream of frames through a model, with the state of its denoising batch.

    With n denoising steps, a frame comes out of `step` n - 1 calls after it went in, because each call denoises rows of n frames
    together.

    Every method raises ArgumentError if the stream is closed, if an array does not fit, or if a callback of the stream calls it.
    A call that raises leaves the stream as it was. Ctrl-C stops a call before its next UNet call.
    """

    def __init__(
        self,
        model: Model,
        parameters: Parameters | None = None,
        *,
        width: int | None = None,
        height: int | None = None,
        frame_buffer_size: int = 1,
        use_denoising_batch: bool = True,
        on_denoising_step: OnDenoisingStep | None = None,
        **settings: Unpack[Settings],
    ) -> None:
        """Makes a stream and encodes its prompt.

        Args:
            model: the model.
            parameters: the settings. Those that are given by name come on top.
            width: width of the frames in pixels, a multiple of 8. None: the size that the model was trained at.
            height: height of the frames in pixels, as the width.
            frame_buffer_size: frames that go through each step together, 1 to 1024.
            use_denoising_batch: True: the denoising steps of successive frames run as one batch. False: the n steps of a frame
                run one after another, without delay.
            on_denoising_step: called before each UNet call with (call, calls). If it returns False, the method raises Cancelled.
            settings: settings by name, as of `Parameters`.
        """
        check.instance(model, Model, "model", "a Model, as Model.load returns it")
        require_parameters(parameters)
        check.callback(on_denoising_step, "on_denoising_step")
        native_size = model.info.native_size if width is None or height is None else 0
        self._model = model
        self._on_step = on_denoising_step
        self._size = (
            native_size if width is None else check.integer(width, "width"),
            native_size if height is None else check.integer(height, "height"),
        )
        self._frame_buffer_size = check.integer(frame_buffer_size, "frame_buffer_size")
        self._last: Optional[Array] = None
        given: dict[str, Any] = {**(parameters.given() if parameters is not None else {}), **settings}
        plain, embeds = split(given)
        self._embeds: dict[str, Any] = {name: embeds.get(name) for name in EMBEDS}
        try:
            self._native = _native.Stream(model._native, *self._size, self._frame_buffer_size, bool(use_denoising_batch), plain, embeds)
        finally:
            model._warn()

    # Properties.

    @property
    def model(self) -> Model:
        """The model."""
        return self._model

    @property
    def width(self) -> int:
        """Width of the frames in pixels."""
        return self._size[0]

    @property
    def height(self) -> int:
        """Height of the frames in pixels."""
        return self._size[1]

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the frames in pixels."""
        return self._size

    @property
    def frame_buffer_size(self) -> int:
        """Frames that go through each step together."""
        return self._frame_buffer_size

    @property
    def latent_shape(self) -> LatentShape:
        """The shape of a frame's latents: channels, height, width."""
        return LatentShape(*self._native.latent_shape())

    @property
    def parameters(self) -> Parameters:
        """All settings that the stream has."""
        return Parameters._of_values({**json.loads(self._native.settings()), **self._embeds})

    @property
    def statistics(self) -> Statistics:
        """Counts and times since the stream was made."""
        return Statistics(*self._native.statistics())

    @property
    def in_flight(self) -> bool:
        """True if frames are in flight, which `drain` would return."""
        return self._native.in_flight()

    @property
    def closed(self) -> bool:
        """True after `close`."""
        return self._native.is_closed()

    # Changes.

    def update(self, parameters: Parameters | None = None, /, **settings: Unpack[Settings]) -> None:
        """Changes settings from the next step on, also for frames in flight. Settings that are not named keep their values.

        Only a new prompt, whose text is encoded, and new scales of LoRAs take time. LoRAs that were added to the model since are
        used from now on.

        Args:
            parameters: settings that replace the stream's.
            settings: settings by name, as of `Parameters`.

        Raises:
            ArgumentError: a setting is unknown or out of range. The stream is then as it was.
            PromptError: the model cannot use a prompt.
        """
        require_parameters(parameters)
        given: dict[str, Any] = {**(parameters.as_dict() if parameters is not None else {}), **settings}
        plain, embeds = split(given)
        try:
            self._native.set(plain, embeds)
        finally:
            self._model._warn()
        self._embeds.update(embeds)

    def cancel(self) -> None:
        """Stops the call that another thread runs: it raises Cancelled before its next UNet call. No effect if none runs."""
        self._native.cancel()

    def close(self) -> None:
        """Frees the stream's memory. Later calls raise ArgumentError."""
        self._native.close()
        self._last = None

    def __reduce__(self) -> Any:
        raise TypeError("a stream cannot be copied or pickled; make another one: Stream(stream.model, stream.parameters)")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # Frames.

    @overload
    def step(self, image: Frame, *, output: Output = "uint8") -> Frame | None: ...
    @overload
    def step(self, image: Sequence[Frame], *, output: Output = "uint8") -> list[Frame]: ...
    @overload
    def step(self, image: Sequence[ImageLike], *, output: Output = "uint8") -> list[Array]: ...
    @overload
    def step(self, image: ImageLike = None, *, latents: LatentsLike = None, output: Output = "uint8", number: int = 0, time: float = 0.0) -> Array | None: ...

    def step(self, image: Any = None, *, latents: Any = None, output: Output = "uint8", number: int = 0, time: float = 0.0) -> Any:
        """Runs one step of image to image.

        Args:
            image: an image of the stream's size, a `Frame`, or a list of frame_buffer_size of either.
            latents: latents in place of the image, or a list of them.
            output: the form of the result.
            number: passed on to the result, if `image` is no Frame; see `Frame`.
            time: in seconds, as the number. Transitions run by it.

        Returns:
            The finished image of an earlier or of this call, a new numpy array, or None as long as the batch fills; a Frame with
            its own number and time if `image` is a Frame. For a list: a list, empty as long as the batch fills. If the
            similarity filter skips the image, the last result again.
        """
        given, is_latents = _one_of(image, latents)
        inputs = self._step_inputs(given, is_latents, number, time)
        return self._step_results(given, self._native.step(inputs, check.text(output, "output"), self._on_step), output)

    def _step_inputs(self, given: Any, is_latents: bool, number: int, time: float) -> list[Any]:
        """Returns the inputs of a step in the form that the extension module takes."""
        items = given if isinstance(given, (list, tuple)) else (given,)
        inputs = [_input(item, is_latents, number, time) for item in items]
        if len(inputs) != self._frame_buffer_size:
            count = "one image" if self._frame_buffer_size == 1 else f"a list of {self._frame_buffer_size} images"
            raise ArgumentError(f"a step of this stream takes {count} (frame_buffer_size), got {len(inputs)}")
        if len({isinstance(item, Frame) for item in items}) > 1:
            raise ArgumentError("a list has frames and images; give either Frame objects or images, since the results have the same form")
        return inputs

    def _step_results(self, given: Any, results: list[tuple[Array, int, int]], output: Output) -> Any:
        """Returns the results of a step in the form of its input."""
        is_list = isinstance(given, (list, tuple))
        has_frames = isinstance(given[0] if is_list else given, Frame)
        finished = self._frames(results, output) if has_frames else self._arrays(results, output)
        return finished if is_list else finished[0] if finished else None

    def drain(self, *, output: Output = "uint8") -> list[Frame]:
        """Returns frames that are in flight after the last `step`: those of one step, none if none is left."""
        return self._frames(self._native.drain(check.text(output, "output"), self._on_step), output)

    def generate(self, *, noise: FloatArray | None = None, output: Output = "uint8") -> Any:
        """Runs one step of text to image, with fresh noise for each image or with the caller's.

        Args:
            noise: float32 values of the shape (frame_buffer_size, steps, *latent_shape): what each frame starts from, then what
                is added before each further step. `RandomGenerator` draws such numbers.
            output: the form of the result.

        Returns:
            The finished image, or None as long as the batch fills. With a frame_buffer_size above 1 a list of images.
        """
        if noise is None:
            results = self._native.generate(check.text(output, "output"), self._on_step)
        else:
            results = self._native.generate_from(readable(noise), check.text(output, "output"), self._on_step)
        finished = self._arrays(results, output)
        if self._frame_buffer_size > 1:
            return finished
        return finished[0] if finished else None

    def generate_image(self, image: ImageLike | Frame | None = None, *, latents: LatentsLike = None, output: Output = "uint8") -> Array:
        """Makes one finished image. Frames in flight do not change.

        Args:
            image: image to image of this, with the stream's fixed noise. None: text to image, with fresh noise.
            latents: latents in place of the image.
            output: the form of the result.
        """
        inputs = [] if image is None and latents is None else [_input(*_one_of(image, latents), 0, 0.0)]
        return self._arrays(self._native.generate_image(inputs, check.text(output, "output"), self._on_step), output)[0]

    def generate_images(self, variations: Sequence[int], *, output: Output = "uint8") -> list[Array]:
        """Makes one finished image from text for each variation v, with the noise of the seed plus v, as diffusers'
        StableDiffusionPipeline draws it for that seed. Frames in flight do not change."""
        numbers = [check.integer(variation, "a variation", 0, 2**32 - 1) for variation in check.several(variations, "variations")]
        return self._arrays(self._native.generate_images(numbers, check.text(output, "output"), self._on_step), output)

    def encode(self, image: ImageLike | Frame) -> FloatArray:
        """Encodes an image of the stream's size to latents. AutoencoderKL gives the mean of its distribution."""
        return self._native.encode(readable(image.image if isinstance(image, Frame) else image))

    def decode(self, latents: LatentsLike, *, output: Output = "uint8") -> Array:
        """Decodes latents to an image of the stream's size, "uint8" or "float32"."""
        return self._native.decode(readable(latents), check.text(output, "output"))

    def _arrays(self, results: list[tuple[Array, int, int]], output: Output) -> list[Array]:
        """Returns the arrays of results, and remembers the last image."""
        if results and output != "latents":
            self._last = results[-1][0]
        return [array for array, _, _ in results]

    def _frames(self, results: list[tuple[Array, int, int]], output: Output) -> list[Frame]:
        return [Frame(array, number, time / MICROSECONDS) for array, (_, number, time) in zip(self._arrays(results, output), results)]

    # Notebooks.

    @property
    def last_image(self) -> Array | None:
        """The image that the stream returned last; None if there is none. Latents do not count."""
        return self._last

    def _repr_png_(self) -> bytes | None:
        return None if self._last is None else Frame(self._last)._repr_png_()

    def __repr__(self) -> str:
        size = f"{self.width}x{self.height}"
        if self.closed:
            return f"Stream({size}, closed)"
        parameters = self.parameters
        prompt = parameters.prompts or parameters.prompt
        steps = parameters.t_index_list or f"{parameters.steps} from strength {parameters.strength}"
        return f"Stream({size}, prompt={prompt!r}, steps={steps}, {self.statistics.steps} UNet calls so far, model={self._model.info.name!r})"


def _one_of(image: Any, latents: Any) -> tuple[Any, bool]:
    """Returns the input, and True if it is latents."""
    if (image is None) == (latents is None):
        raise ArgumentError("give either an image or latents")
    return (image, False) if latents is None else (latents, True)


def _input(item: Any, is_latents: bool, number: int, time: float) -> tuple[Any, bool, int, int]:
    frame = item if isinstance(item, Frame) else Frame(item, number, time)
    return readable(frame.image), is_latents, frame.number, frame.microseconds()
