"""The settings of a stream, as Python has them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Iterator, Mapping, Sequence

from . import _checks as check
from . import _native
from ._errors import ArgumentError

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ._settings import Settings

EMBEDS = ("prompt_embeds", "negative_prompt_embeds")


def _plain(value: Any) -> Any:
    """Returns what the JSON encoder does not know in a form that it knows: numpy's numbers and arrays."""
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, Sequence) and not isinstance(value, (bytes, bytearray, memoryview)):
        return list(value)
    raise TypeError(f"a {type(value).__name__}")


def to_json(settings: Mapping[str, Any]) -> str:
    """Returns settings as JSON, which the library checks."""
    return "{" + ", ".join(f"{json.dumps(name)}: {_value_json(name, value)}" for name, value in settings.items()) + "}"


def _value_json(name: str, value: Any) -> str:
    try:
        text = json.dumps(value, default=_plain, allow_nan=False, ensure_ascii=False)
        text.encode()
    except UnicodeEncodeError:
        raise ArgumentError(f'"{name}" has a value that cannot be used: a character that is not valid Unicode') from None
    except (TypeError, ValueError, RecursionError) as error:
        raise ArgumentError(f'"{name}" has a value that cannot be used: {error}') from None
    return text


def split(settings: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Separates embeddings, which are arrays, from settings, which become JSON. A new prompt takes the place of an embedding."""
    embeds = {name: settings[name] for name in EMBEDS if name in settings}
    plain = {name: value for name, value in settings.items() if name not in embeds}
    if "prompt" in plain or "prompts" in plain:
        embeds.setdefault("prompt_embeds", None)
    if "negative_prompt" in plain:
        embeds.setdefault("negative_prompt_embeds", None)
    return to_json(plain), embeds


def require_parameters(parameters: Any) -> None:
    """Raises TypeError unless this is None or Parameters."""
    if parameters is not None:
        check.instance(parameters, Parameters, "parameters", 'a Parameters; settings are given by name, such as prompt="red apple"')


class Parameters:
    """The settings of a stream: all of them, checked, and never changed. Names, ranges and defaults are those of the server's
    protocol (docs/server.md), for example `prompt`, `strength`, `steps`, `t_index_list`, `cfg_type`, `guidance_scale`, `seed`.

    `prompt_embeds` and `negative_prompt_embeds` are float32 arrays of the shape (prompt_tokens, embedding_width), as
    `Model.encode_prompt` returns them, and take the place of the texts.

    Each setting is an attribute. Settings that were not given have their defaults.

    Raises:
        ArgumentError: a setting is unknown or out of range. The message names the permitted values.
    """

    __slots__ = ("_given", "_values")

    def __init__(self, **settings: Unpack[Settings]) -> None:
        given: dict[str, Any] = dict(settings)
        plain, embeds = split(given)
        self._given = given
        self._values: dict[str, Any] = {
            **json.loads(_native.complete_settings(plain)),
            **{name: embeds.get(name) for name in EMBEDS},
        }

    @classmethod
    def _of_values(cls, values: dict[str, Any]) -> Parameters:
        """Takes settings that are known to be right."""
        parameters = cls.__new__(cls)
        parameters._given = values
        parameters._values = values
        return parameters

    def replace(self, **settings: Unpack[Settings]) -> Parameters:
        """Returns parameters with these settings in place of the old ones."""
        given: dict[str, Any] = dict(settings)
        kept = dict(self._given)
        for single, several in (("prompt", "prompts"), ("seed", "seeds")):  # the one that was given last counts
            if single in given:
                kept.pop(several, None)
        if "prompt" in given or "prompts" in given:
            kept.pop("prompt_embeds", None)
        if "negative_prompt" in given:
            kept.pop("negative_prompt_embeds", None)
        return Parameters(**{**kept, **given})

    def as_dict(self) -> dict[str, Any]:
        """Returns all settings by name."""
        return dict(self._values)

    def given(self) -> dict[str, Any]:
        """Returns the settings that differ from the defaults because they were given."""
        return dict(self._given)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # copy and pickle ask for such names before there are values
            raise AttributeError(name)
        try:
            return self._values[name]
        except KeyError:
            raise AttributeError(f"there is no setting {name!r}") from None

    def __dir__(self) -> Iterator[str]:
        yield from super().__dir__()
        yield from self._values

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Parameters):
            return NotImplemented
        return all(_same(self._values[name], other._values[name]) for name in self._values)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        given = ", ".join(f"{name}={_short(value)}" for name, value in self._given.items())
        return f"Parameters({given})"


def _same(one: Any, other: Any) -> bool:
    if hasattr(one, "shape") or hasattr(other, "shape"):
        import numpy as np

        return one is not None and other is not None and bool(np.array_equal(one, other))
    return bool(one == other)


def _short(value: Any) -> str:
    shape = getattr(value, "shape", None)
    return repr(value) if shape is None else f"<array {tuple(shape)}>"
