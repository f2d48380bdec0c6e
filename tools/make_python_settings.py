#!/usr/bin/env python3
"""Writes streamdiffusion_cpp/_settings.py, the types of the settings, from the library's table of settings.

Run it after a build when a setting has been added or changed:

    PYTHONPATH=build/python-package python3 tools/make_python_settings.py

Type checkers and editors read the file. A test compares it with the table.
"""

import json
import textwrap
from pathlib import Path

FILE = Path(__file__).parents[1] / "python" / "streamdiffusion_cpp" / "_settings.py"
WIDTH = 130
HEAD = '''"""The types of the settings. tools/make_python_settings.py writes this file from the library's table of settings."""

from __future__ import annotations

from typing import Any, Literal, Mapping, Optional, Sequence, TypedDict

'''
EMBEDDINGS = {
    "prompt_embeds": "embedding of the prompt, in place of `prompt` and `prompts`: float32 values of the shape (prompt_tokens, "
                     "embedding_width), as Model.encode_prompt returns them",
    "negative_prompt_embeds": "embedding of the negative prompt, in place of `negative_prompt`, as prompt_embeds",
}


def item_class(name: str) -> str:
    """The class of a list's objects: WeightedPrompt for prompts."""
    return "Weighted" + name.removesuffix("s").title()


def type_of(name: str, schema: dict) -> str:
    kind = schema["type"]
    if "enum" in schema:
        return f"Literal[{', '.join(json.dumps(value) for value in schema['enum'])}]"
    if kind == ["number", "null"]:
        return "Optional[float]"
    if kind == "array":
        items = schema["items"]
        return f"Sequence[{item_class(name) if items['type'] == 'object' else type_of(name, items)}]"
    if kind == "object":
        return f"Mapping[str, {type_of(name, schema['additionalProperties'])}]"
    return {"boolean": "bool", "integer": "int", "number": "float", "string": "str"}[kind]


def number(value: float) -> str:
    return str(int(value)) if value == int(value) else str(value)


def limits(schema: dict) -> str:
    """Describes the range: "0 to 1000", "above 0, at most 1"."""
    if "exclusiveMinimum" in schema:
        return f"above {number(schema['exclusiveMinimum'])}, at most {number(schema['maximum'])}"
    if "maximum" in schema:
        return f"{number(schema['minimum'])} to {number(schema['maximum'])}"
    return ""


def comment(text: str) -> str:
    return "".join(f"    #: {line}\n" for line in textwrap.wrap(text, WIDTH - 7))


def field(name: str, schema: dict) -> str:
    text = schema["description"]
    details = [detail for detail in (limits(schema), schema.get("unit", ""), f"default {json.dumps(schema['default'])}") if detail]
    return comment(f"{text[0].upper()}{text[1:]} ({', '.join(details)}).") + f"    {name}: {type_of(name, schema)}\n"


def item_type(name: str, schema: dict) -> str:
    fields = "".join(f"    {key}: {type_of(key, value)}\n" for key, value in schema["items"]["properties"].items())
    return f'\nclass {item_class(name)}(TypedDict, total=False):\n    """One of the {name}; `weight` is 1 unless it is given."""\n\n{fields}\n'


def text(schema: dict) -> str:
    """The contents of the file."""
    lists = [name for name, entry in schema.items() if entry["type"] == "array" and entry["items"]["type"] == "object"]
    embeddings = "".join(comment(f"{help[0].upper()}{help[1:]}.") + f"    {name}: Any\n" for name, help in EMBEDDINGS.items())
    return (HEAD + "".join(item_type(name, schema[name]) for name in lists)
            + '\nclass Settings(TypedDict, total=False):\n    """The settings of a stream by name."""\n\n'
            + "".join(field(name, entry) for name, entry in schema.items()) + embeddings)


if __name__ == "__main__":
    from streamdiffusion_cpp import _native

    FILE.write_text(text(json.loads(_native.settings_schema())), encoding="utf-8")
