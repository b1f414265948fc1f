"""Writes values as Python source, laid out as `ruff format` would, and refuses what it cannot write."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta, timezone
from functools import singledispatch
from typing import Any

from kedro_airflow_k8s.model import Call, Local, Ref

WIDTH = 120
INDENT = "    "
UNITS = ("days", "minutes", "seconds", "microseconds")

Names = Callable[[Ref], str]
"""Tells under which name an object can be used in the file, and takes note that it has to be there."""


def write(value: Any, names: Names, *, indent: int = 0, taken: int = 0) -> str:
    """Return the source of `value`.

    `indent` counts the levels that its line is indented, `taken` the characters that stand on the line before and after
    it. Raises `TypeError` for a value that has no source.
    """
    flat = _flat(value, names)
    if len(INDENT) * indent + taken + len(flat) <= WIDTH:
        return flat
    parts = _parts(value, names, indent + 1)
    if parts is None:
        return flat
    opening, lines, closing, separator = parts
    inner = "".join(f"{INDENT * (indent + 1)}{line}{separator}\n" for line in lines)
    return f"{opening}\n{inner}{INDENT * indent}{closing}"


def text(value: str) -> str:
    """Return a string literal, in double quotes unless single ones need fewer escapes."""
    body = escaped(value)
    quote = "'" if body.count("'") < body.count('"') else '"'
    return quote + body.replace(quote, "\\" + quote) + quote


def escaped(value: str) -> str:
    """Return the inside of a string literal but for its quotes: no backslash and no invisible character as such."""
    return "".join("\\\\" if char == "\\" else char if char.isprintable() else repr(char)[1:-1] for char in value)


def arguments(values: Mapping[str, Any], names: Names, indent: int) -> list[str]:
    """Return one `name=value` for each keyword argument, fit to stand on lines of that indentation."""
    return [f"{key}={write(value, names, indent=indent, taken=len(key) + 2)}" for key, value in values.items()]


@singledispatch
def _flat(value: Any, names: Names) -> str:
    raise TypeError(f"{type(value).__name__} {value!r} cannot be written as Python source")


@_flat.register(type(None))
@_flat.register(bool)
@_flat.register(int)
def _(value: object, names: Names) -> str:
    return repr(value)


@_flat.register
def _(value: float, names: Names) -> str:
    if value != value or value in (float("inf"), float("-inf")):
        raise TypeError(f"float {value!r} cannot be written as Python source")
    return repr(value)


@_flat.register
def _(value: str, names: Names) -> str:
    return text(value)


@_flat.register
def _(value: list, names: Names) -> str:  # type: ignore[type-arg]
    return f"[{_joined(value, names)}]"


@_flat.register
def _(value: tuple, names: Names) -> str:  # type: ignore[type-arg]
    return f"({_joined(value, names)}{',' if len(value) == 1 else ''})"


@_flat.register(Mapping)
def _(value: Mapping[Any, Any], names: Names) -> str:
    return "{" + ", ".join(f"{_flat(key, names)}: {_flat(entry, names)}" for key, entry in value.items()) + "}"


@_flat.register
def _(value: timedelta, names: Names) -> str:
    unit = next(unit for unit in UNITS if not value % timedelta(**{unit: 1}))
    return _flat(Call(Ref("datetime", "timedelta"), {unit: value // timedelta(**{unit: 1})}), names)


@_flat.register
def _(value: datetime, names: Names) -> str:
    if value.tzinfo is not timezone.utc:
        raise TypeError(f"datetime {value!r} cannot be written as Python source: it is not in UTC")
    fields = list(value.timetuple()[:6])
    while len(fields) > 3 and not fields[-1]:
        fields.pop()
    return f"{names(Ref('datetime', 'datetime'))}({_joined(fields, names)}, tzinfo={_flat(UTC, names)})"


@_flat.register
def _(value: Ref, names: Names) -> str:
    return names(value)


@_flat.register
def _(value: Local, names: Names) -> str:
    return value.name


@_flat.register
def _(value: Call, names: Names) -> str:
    inside = ", ".join(f"{key}={_flat(entry, names)}" for key, entry in value.kwargs.items())
    return f"{names(value.target)}({inside})"


UTC = Ref("datetime", "timezone.utc")


def _joined(values: Iterable[Any], names: Names) -> str:
    return ", ".join(_flat(value, names) for value in values)


def _parts(value: Any, names: Names, indent: int) -> tuple[str, list[str], str, str] | None:
    """Return how a value is broken over lines: opening, lines, closing and what ends each line; None if it can't be."""
    if isinstance(value, Call):
        return f"{names(value.target)}(", arguments(value.kwargs, names, indent), ")", ","
    if isinstance(value, Mapping):
        lines = []
        for key, entry in value.items():
            head = f"{_flat(key, names)}: "
            lines.append(head + write(entry, names, indent=indent, taken=len(head) + 1))
        return ("{", lines, "}", ",") if lines else None
    if isinstance(value, list | tuple):
        lines = [write(entry, names, indent=indent, taken=1) for entry in value]
        opening, closing = "[]" if isinstance(value, list) else "()"
        return (opening, lines, closing, ",") if lines else None
    if isinstance(value, str) and "\n" in value[:-1]:
        return "(", [text(line) for line in value.splitlines(keepends=True)], ")", ""
    return None
