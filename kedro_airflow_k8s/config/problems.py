"""What is wrong with a file, in the user's words rather than pydantic's."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Any, get_args

from kedro_airflow_k8s.config.sections import Section

_SHOULD_BE = {
    "bool_parsing": "true or false",
    "bool_type": "true or false",
    "date_type": "a date written YYYYMMDD",
    "dict_type": "a section of keys and values",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "int_type": "a whole number",
    "model_type": "a section of keys and values",
    "string_too_short": "text that is not empty",
    "string_type": "text",
    "tuple_type": "a list",
    "path_type": "a path",
}


def problem(detail: Any, root: type[Section]) -> str:
    """Return what one of pydantic's error details says about a file whose whole is a `root`."""
    location = [part for part in detail["loc"] if part != "[key]"]
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location).lstrip(".")
    kind, given = detail["type"], detail["input"]
    if kind == "missing":
        return f"{path}: required, but missing"
    if kind == "extra_forbidden":
        return f"{path}: not an option{_suggestion(location, root)}"
    if kind == "value_error":
        return f"{path}: {detail['ctx']['error']}"
    if kind in {"literal_error", "enum"}:
        return f"{path}: should be one of {detail['ctx']['expected'].replace(' or ', ', ')}, got {given!r}"
    if kind in {"greater_than", "greater_than_equal"}:
        bound = "above" if kind == "greater_than" else "at least"
        limit = detail["ctx"]["gt" if kind == "greater_than" else "ge"]
        return f"{path}: should be {bound} {limit}, got {given!r}"
    if kind in _SHOULD_BE:
        return f"{path}: should be {_SHOULD_BE[kind]}, got {given!r}"
    return f"{path}: {detail['msg']}, got {given!r}"


def _suggestion(location: Sequence[Any], root: type[Section]) -> str:
    section: Any = root
    for part in location[:-1]:
        section = _inner(section, part)
    options = list(section.model_fields) if isinstance(section, type) and issubclass(section, Section) else []
    near = difflib.get_close_matches(str(location[-1]), options, n=1)
    return f"; did you mean {near[0]!r}?" if near else f"; the options here are: {', '.join(options)}"


def _inner(section: Any, part: Any) -> Any:
    """Follow one step of a location into the types of the model."""
    if isinstance(section, type) and issubclass(section, Section):
        return section.model_fields[part].annotation
    return next((kind for kind in get_args(section) if isinstance(kind, type) and issubclass(kind, Section)), section)
