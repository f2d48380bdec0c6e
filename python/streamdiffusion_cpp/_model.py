"""Models."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Iterable, Mapping, NamedTuple, Optional, Union

from . import _checks as check
from . import _native
from ._errors import pass_on_warnings

if TYPE_CHECKING:
    from ._arrays import FloatArray

PathLike = Union[str, "os.PathLike[str]"]

#: The folder of the model that comes with the package.
DEFAULT_MODEL = Path(__file__).parent / "share" / "streamdiffusion" / "models" / "default"


class Lora(NamedTuple):
    """A LoRA, or another adapter that changes the weights of a model.

    Attributes:
        file: a .safetensors file, or a name on the hub ("OWNER/NAME/FILE.safetensors").
        scale: the factor on the change of the weights, -1000 to 1000. `Stream.update(loras={name: scale})` changes it.
        name: the name in `loras`. Empty: the file's stem.
    """

    file: PathLike
    scale: float = 1.0
    name: str = ""


class TextualInversion(NamedTuple):
    """Learned token embeddings that a word in a prompt refers to.

    Attributes:
        file: a .safetensors file.
        token: the word in prompts. Empty: the name of the single tensor, or the file's stem.
    """

    file: PathLike
    token: str = ""


class Download(NamedTuple):
    """The progress of the downloads from one repository on the hub.

    Attributes:
        name: the repository, "OWNER/NAME".
        done: bytes of all its files that are complete or received.
        total: bytes of all its files.
        bytes_per_second: the mean rate since the downloads began.
    """

    name: str
    done: int
    total: int
    bytes_per_second: float


class ModelInfo(NamedTuple):
    """The properties of a model.

    Attributes:
        name: the name that was given, or the name of the folder or file.
        device: "cpu", or "cuda:N" or "vulkan:N" with the GPU's name and the type of activations.
        instruction_set: the instruction set of the CPU's kernels in use; empty on other devices.
        native_size: width and height in pixels that the model was trained at.
        size_multiple: width and height of a stream are multiples of this.
        prompt_tokens: the largest length of a prompt in tokens.
        embedding_width: the numbers of each token in a prompt's embedding.
        loras: the scale of each LoRA by name. A stream uses these unless its settings name others.
    """

    name: str
    device: str
    instruction_set: str
    native_size: int
    size_multiple: int
    prompt_tokens: int
    embedding_width: int
    loras: dict[str, float]


def _lora(lora: Lora | PathLike) -> Lora:
    file, scale, name = lora if isinstance(lora, Lora) else Lora(lora)
    return Lora(check.path(file, "the file of a LoRA"), check.number(scale, "the scale of a LoRA"), check.text(name, "the name of a LoRA"))


def _inversion(embedding: TextualInversion | PathLike) -> TextualInversion:
    file, token = embedding if isinstance(embedding, TextualInversion) else TextualInversion(embedding)
    return TextualInversion(check.path(file, "the file of an embedding"), check.text(token, "the token of an embedding"))


class _Reports(NamedTuple):
    """The functions of the caller that are told what happens."""

    on_warning: Callable[[str], object] | None
    on_download: Callable[[Download], object] | None


def _local_files(
    path: PathLike, vae: PathLike | None, loras: list[Lora], reports: _Reports
) -> tuple[PathLike, Optional[PathLike], list[Lora], list[str]]:
    """Replaces names on the hub by files, which are downloaded if they are missing."""
    from . import _hub

    on_download = reports.on_download
    on_progress = None if on_download is None else lambda *progress: on_download(Download(*progress))
    path, vae, files, notes, warnings = _hub.fetch_model(path, vae, [lora.file for lora in loras], on_progress)
    pass_on_warnings(warnings, reports.on_warning)
    return path, vae, [lora._replace(file=file) for lora, file in zip(loras, files)], notes


def _choose_files(
    path: PathLike | None, vae: PathLike | None, loras: list[Lora], reports: _Reports
) -> tuple[PathLike, Optional[PathLike], list[Lora], list[str]]:
    """Returns the files of a model, its autoencoder and LoRAs, and sentences about the choice. Without a path, they are the default
    model's, which keeps its own autoencoder."""
    path = None if path is None else check.path(path, "path")
    vae = None if vae is None else check.path(vae, "vae")
    if path is not None:
        return _local_files(path, vae, loras, reports)
    if vae is None and not loras:
        return DEFAULT_MODEL, None, [], []
    return _local_files(DEFAULT_MODEL, "full" if vae is None else vae, loras, reports)


class Model:
    """The networks of one model on one device, shared by any number of streams. `Model.load` makes one.

    The calls of a model and of its streams run one at a time. Calls from several threads wait for their turn.
    """

    def __init__(self, native: _native.Model, reports: _Reports, notes: list[str]) -> None:
        """Is for `load` alone."""
        self._native = native
        self._reports = reports
        #: Sentences about the options, such as the autoencoder that was chosen.
        self.notes = tuple(notes)

    @classmethod
    def load(
        cls,
        path: PathLike | None = None,
        *,
        device: str = "auto",
        precision: str = "auto",
        threads: int = 0,
        vae: PathLike | None = None,
        loras: Iterable[Lora | PathLike] = (),
        lora_folder: PathLike | None = None,
        embeddings: Iterable[TextualInversion | PathLike] = (),
        prompt_weights: bool = False,
        prediction_type: str = "auto",
        clip_skip: int = 0,
        name: str = "",
        on_warning: Callable[[str], object] | None = None,
        on_download: Callable[[Download], object] | None = None,
    ) -> Model:
        """Loads a model.

        Args:
            path: a diffusers folder, a .dduf file, a checkpoint of Stable Diffusion 1.x or 2.x as one .safetensors file, or a
                name on the Hugging Face hub ("stabilityai/sd-turbo"), which is downloaded once. None: the default model,
                which comes with the package.
            device: "cpu", "cuda" (the first NVIDIA GPU), "cuda:N", "vulkan" (the first device of Vulkan), "vulkan:N", or
                "auto" for the first GPU of CUDA, else the first discrete GPU of Vulkan, else the CPU.
            precision: "auto", "f32", "bf16" or "int8" on the CPU; "auto", "f16", "bf16" or "f32" on a GPU.
            threads: compute threads of the CPU; 0: one for each processor.
            vae: folder, file or hub name of an autoencoder in place of the model's own; "full" keeps the model's own.
            loras: LoRAs to load. `add_lora` adds others later.
            lora_folder: folder of LoRAs that prompts name by `<lora:NAME:SCALE>`.
            embeddings: textual inversions to load.
            prompt_weights: interprets `(word:1.3)`, `(word)` and `[word]` in prompts.
            prediction_type: "epsilon", "v_prediction" or "auto".
            clip_skip: final layers of the text encoder to skip, as diffusers counts them.
            name: value of `info.name`. Empty: derived from `path`.
            on_warning: called with problems that stop nothing. None: they become warnings of the class ModelWarning.
            on_download: called about ten times a second while files come from the hub, in a thread of its own. An exception of it
                stops the downloads; the next call goes on where they stopped.

        Raises:
            ArgumentError: an option is out of range.
            FileError: a file is missing, malformed or not supported.
            HubError: the model is not on the hub, or cannot be downloaded.
            DeviceError: the device is missing.
            OutOfMemory: the memory does not suffice.
        """
        chosen = [_lora(lora) for lora in check.several(loras, "loras")]
        inversions = [_inversion(one) for one in check.several(embeddings, "embeddings")]
        options: dict[str, Any] = {
            "lora_folder": None if lora_folder is None else check.path(lora_folder, "lora_folder"),
            "prompt_weights": bool(prompt_weights),
            "prediction_type": check.text(prediction_type, "prediction_type"),
            "device": check.text(device, "device"),
            "precision": check.text(precision, "precision"),
            "threads": check.integer(threads, "threads"),
            "clip_skip": check.integer(clip_skip, "clip_skip"),
            "name": check.text(name, "name"),
        }
        check.callback(on_warning, "on_warning")
        check.callback(on_download, "on_download")
        reports = _Reports(on_warning, on_download)
        path, vae, chosen, notes = _choose_files(path, vae, chosen, reports)
        native = _native.Model.load(path, vae=vae, loras=chosen, embeddings=inversions, **options)
        model = cls(native, reports, notes)
        model._warn()
        return model

    @property
    def info(self) -> ModelInfo:
        """The properties, which `add_lora` and `remove_lora` change."""
        return ModelInfo(**self._native.info())

    def add_lora(self, file: PathLike, scale: float = 1.0, name: str = "") -> str:
        """Adds a LoRA and returns its name. Streams use it from their next `update` on.

        Args:
            file: a .safetensors file, or a name on the hub.
            scale: its scale where a stream's settings name no other, -1000 to 1000.
            name: its name in `Stream.update(loras={name: scale})`. Empty: the file's stem.
        """
        _, _, loras, _ = _local_files(DEFAULT_MODEL, "full", [_lora(Lora(file, scale, name))], self._reports)
        try:
            return self._native.add_lora(loras[0])
        finally:
            self._warn()

    def remove_lora(self, name: str) -> None:
        """Removes a LoRA. Streams use it until their next `update`. Raises ArgumentError if there is none with that name."""
        self._native.remove_lora(check.text(name, "name"))

    def encode_prompt(self, prompt: str, loras: Mapping[str, float] | None = None) -> FloatArray:
        """Returns the text encoder's output for a prompt, for the setting `prompt_embeds`.

        Args:
            prompt: the prompt.
            loras: scales of LoRAs by name, which change the encoder as in a stream.

        Returns:
            float32 values of the shape (prompt_tokens, embedding_width).
        """
        try:
            scales = {check.text(name, "the name of a LoRA"): check.number(scale, "the scale of a LoRA") for name, scale in dict(loras or {}).items()}
            return self._native.encode_prompt(check.text(prompt, "prompt"), scales)
        finally:
            self._warn()

    def __reduce__(self) -> Any:
        raise TypeError("a model cannot be copied or pickled; its streams share it, and each process loads its own: Model.load")

    def _warn(self) -> None:
        """Passes on the warnings of the calls so far."""
        pass_on_warnings(self._native.take_warnings(), self._reports.on_warning)

    def __repr__(self) -> str:
        info = self.info
        loras = f", loras={info.loras}" if info.loras else ""
        unit = f" ({info.instruction_set})" if info.instruction_set else ""
        return f"Model({info.name!r}, {info.native_size}x{info.native_size}, on {info.device}{unit}{loras})"
