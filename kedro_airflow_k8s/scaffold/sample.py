"""A first `airflow-k8s.yaml`, derived from the model: every key with its meaning, and what is not set commented out."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping
from pathlib import PurePath
from types import MappingProxyType
from typing import Any, Literal, get_args, get_origin

import yaml
from pydantic.fields import FieldInfo

from kedro_airflow_k8s.config.keys import described, inner
from kedro_airflow_k8s.config.section import Section
from kedro_airflow_k8s.contract import CONFIG_PREFIX

_WIDTH = 100
_FROM_ENVIRONMENT = re.compile(r"\$\{(\w+)\|[^{}]*\}")
_NOTHING: Mapping[str, Any] = MappingProxyType({})


def sample(
    section: type[Section],
    values: Mapping[str, Any],
    *,
    proposed: Mapping[str, Any] = _NOTHING,
    headers: bool = True,
) -> str:
    """Return a file of that section in which `values` are set.

    A line whose `#` is followed by a key shows the key's default, or what is `proposed` in its place; without the `#`
    it sets the key. With `headers` the sections inside stand there without a `#` although nothing is set in them, which
    means nothing unless the file is laid over another one.
    """
    return "\n\n".join("\n".join(block) for block in _blocks(section, values, proposed, headers, _WIDTH)) + "\n"


def _blocks(
    section: type[Section], values: Mapping[str, Any], proposed: Mapping[str, Any], headers: bool, width: int
) -> list[list[str]]:
    """Return the lines of each key, what is set first."""
    keys = described(section)
    blocks = []
    for name in sorted(keys, key=lambda name: name not in values):
        field, text = section.model_fields[name], _comment(keys[name][1], width)
        below = inner(field.annotation)
        if name in values and not below:
            blocks.append([*text, _line(name, values[name])])
        elif values.get(name) or (headers and isinstance(field.default, Section) and len(below) == 1):
            nested = _blocks(below[0], values.get(name, {}), proposed.get(name, _NOTHING), headers, width - 2)
            lines = [line for block in nested for line in ["", *block]][1:]
            blocks.append([*text, f"{name}:", *_indented(lines)])
        else:
            blocks.append([*text, *(f"#{line}" for line in _example(name, field, width, proposed.get(name)))])
    return blocks


def _example(name: str, field: FieldInfo, width: int, proposed: Any = None) -> list[str]:
    """Return the lines of a key with what is proposed or its default, or with all that can stand below it."""
    below = inner(field.annotation)
    kind = get_origin(field.annotation)
    if not below:
        if proposed is not None:
            return [_line(name, proposed)]
        if field.is_required() and kind is not Literal:
            return [f"{name}:  # required"]
        return [_line(name, get_args(field.annotation)[0] if field.is_required() else field.get_default())]
    if kind is tuple:
        return [f"{name}:", *_indented(line for section in below for line in _item(section, width - 5))]
    if kind is dict:
        return [f"{name}:", "  NAME:", *_indented(_keys(below[0], width - 5), 4)]
    # One of several sections: each as it would stand there.
    whole = [[f"{name}:", *_indented(_keys(section, width - 3, proposed or _NOTHING))] for section in below]
    return [line for lines in whole for line in [" or", *lines]][1:]


def _keys(section: type[Section], width: int, proposed: Mapping[str, Any] = _NOTHING) -> list[str]:
    """Return the lines of all keys of a section, what is required first."""
    keys, lines = described(section), list[str]()
    for name in sorted(keys, key=lambda name: not section.model_fields[name].is_required()):
        example = _example(name, section.model_fields[name], width - 1, proposed.get(name))
        # A list or map within an entry stays a comment of its own: the entry is whole without it.
        nested = "#" if len(example) > 1 else ""
        lines += [*_comment(keys[name][1], width), *(f"{nested}{line}" for line in example)]
    return lines


def _item(section: type[Section], width: int) -> list[str]:
    """Return the lines of a section as an entry of a list."""
    lines = _keys(section, width)
    first = next(number for number, line in enumerate(lines) if not line.startswith("#"))
    return [*lines[:first], f"- {lines[first]}", *_indented(lines[first + 1 :])]


def _comment(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width, initial_indent="# ", subsequent_indent="# ", break_on_hyphens=False)


def _indented(lines: Any, by: int = 2) -> list[str]:
    return [f"{' ' * by}{line}" if line else "" for line in lines]


def _line(name: str, value: Any) -> str:
    written = yaml.safe_dump(_plain(value), default_flow_style=True, width=10**6, allow_unicode=True)
    variables = [f"{CONFIG_PREFIX}{found.upper()}" for found in _FROM_ENVIRONMENT.findall(str(value))]
    note = f"  # from {' and '.join(variables)}" if variables else ""
    # The mark of the end of a document follows a bare scalar.
    text = written.removesuffix("\n").removesuffix("\n...")
    return f"{name}: {text}{note}"


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(entry) for entry in value]
    return str(value) if isinstance(value, PurePath) else value
