"""What is wrong with a file, in the user's words rather than pydantic's."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_args, get_origin

from pydantic import AliasChoices

from kedro_airflow_k8s.config.section import Section
from kedro_airflow_k8s.config.values import Wrong, shown

_SHOULD_BE = {
    "bool_parsing": "true or false",
    "bool_type": "true or false",
    "dict_type": "a section of keys and values",
    "finite_number": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "int_parsing_size": "a smaller number",
    "int_type": "a whole number",
    "model_attributes_type": "a section of keys and values",
    "model_type": "a section of keys and values",
    "string_too_short": "text that is not empty",
    "string_type": "text",
    "string_unicode": "text",
    "tuple_type": "a list",
}
_BOUNDS = {
    "greater_than": ("above", "gt"),
    "greater_than_equal": ("at least", "ge"),
    "less_than_equal": ("at most", "le"),
}


def problems(detail: Any, root: type[Section]) -> list[str]:
    """Return what one of pydantic's error details says about a file whose whole is a `root`."""
    steps = [part for part in detail["loc"] if part != "[key]"]
    path, kind, given = dotted(_without_kinds(steps, root)), detail["type"], detail["input"]
    if kind == "missing":
        return [f"{path}: required, but missing"]
    if kind == "extra_forbidden":
        return [f"{path}: not an option{_suggestion(steps, root)}"]
    if kind == "union_tag_not_found":
        return [f"{path}.type: required, but missing"]
    if kind == "union_tag_invalid":
        return [f"{path}.type: should be one of {detail['ctx']['expected_tags']}, got {shown(given.get('type'))}"]
    if kind == "value_error":
        error = detail["ctx"]["error"]
        return (
            [f"{path}.{key}: {text}" for key, text in error.problems.items()]
            if isinstance(error, Wrong)
            else [f"{path}: {error}"]
        )
    if kind == "literal_error":
        return [f"{path}: should be one of {detail['ctx']['expected'].replace(' or ', ', ')}, got {shown(given)}"]
    if kind in _BOUNDS:
        bound, limit = _BOUNDS[kind]
        return [f"{path}: should be {bound} {detail['ctx'][limit]}, got {shown(given)}"]
    if kind in _SHOULD_BE:
        return [f"{path}: should be {_SHOULD_BE[kind]}, got {shown(given)}"]
    return [f"{path}: {detail['msg']}, got {shown(given)}"]


def _without_kinds(location: Sequence[Any], root: type[Section]) -> list[Any]:
    """Leave out of a location what pydantic says in it of the kind that a section is of."""
    kept, kind = [], root
    for part in location:
        if part not in _kinds(kind):
            kept.append(part)
        kind = _inner(kind, part)
    return kept


def dotted(location: Sequence[Any]) -> str:
    """Return the path of an entry; a key that one could not see in it is quoted."""
    keys = (f"[{key}]" if isinstance(key, int) else f".{_visible(key)}" for key in location)
    return "".join(keys).removeprefix(".")


def strange_keys(value: Any, location: tuple[Any, ...] = ()) -> Iterator[str]:
    """Yield a problem for each key, at any depth, that YAML did not read as text."""
    entries = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    for key, entry in entries:
        if isinstance(value, Mapping) and not isinstance(key, str):
            place = f"{dotted(location)}: " if location else ""
            yield f"{place}the key {key!r} is no text, as YAML reads numbers, on, off, yes and no; put it in quotes"
        else:
            yield from strange_keys(entry, (*location, key))


def _visible(key: str) -> str:
    return key if key.isprintable() and key.strip() == key != "" else shown(key)


def _suggestion(location: Sequence[Any], root: type[Section]) -> str:
    section: Any = root
    for part in location[:-1]:
        section = _inner(section, part)
    options = list(section.model_fields) if _is_section(section) else []
    key = str(location[-1])
    for name in options:
        if key in _spellings(section.model_fields[name].validation_alias):
            return f" beside {name!r}, which is set and means the same; keep one of them, here and in conf/base"
    near = difflib.get_close_matches(key, options, n=1)
    if near:
        return f"; did you mean {near[0]!r}?"
    elsewhere = [place for name, place in _places(root, "") if name == key]
    return f"; it belongs {' or '.join(elsewhere)}" if elsewhere else f"; the options here are: {', '.join(options)}"


def _spellings(alias: Any) -> list[Any]:
    return alias.choices if isinstance(alias, AliasChoices) else []


def _places(section: type[Section], path: str) -> Iterator[tuple[str, str]]:
    """Yield every key with the section that it belongs in."""
    for key, field in section.model_fields.items():
        yield key, f"in {path.removesuffix('.')}" if path else "at the top of the file"
        inner = _section(field.annotation)
        if inner:
            kind = str(field.annotation)
            item = "[]" if kind.startswith("tuple") else ".<name>" if kind.startswith("dict") else ""
            yield from _places(inner, f"{path}{key}{item}.")


def _inner(section: Any, part: Any) -> Any:
    """Follow one step of a location into the types of the model."""
    if _is_section(section):
        field = section.model_fields.get(part)
        return field.annotation if field else None
    return _kinds(section).get(part) or _section(section) or section


def _section(kind: Any) -> type[Section] | None:
    """Return the section that a type is, or is a list or a map of."""
    return next(iter(_sections(kind)), None)


def _kinds(union: Any) -> dict[str, type[Section]]:
    """Return the sections of which a section of several kinds may be, by what their `type` says."""
    sections = _sections(union)
    return {get_args(each.model_fields["type"].annotation)[0]: each for each in sections} if len(sections) > 1 else {}


def _sections(kind: Any) -> list[type[Section]]:
    return [each for each in (kind, *get_args(kind)) if _is_section(each)]


def _is_section(kind: Any) -> bool:
    # For Python 3.10 a type such as `tuple[str, ...]` is a class, too.
    return get_origin(kind) is None and isinstance(kind, type) and issubclass(kind, Section)
