"""Merges parts of Kubernetes manifests, with lists that have names merged by name as Kubernetes itself does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Manifest = Mapping[str, Any]

# By which key Kubernetes tells the entries of a list apart; other lists are one value.
_KEYS = {
    "containers": "name",
    "initContainers": "name",
    "volumes": "name",
    "env": "name",
    "imagePullSecrets": "name",
    "volumeMounts": "mountPath",
    "hostAliases": "ip",
}


def laid_over(base: Manifest, extra: Manifest) -> dict[str, Any]:
    """Return `base` with `extra` over it: maps key by key, named lists by name, and of all else what `extra` says."""
    merged = dict(base)
    for key, value in extra.items():
        there = merged.get(key)
        if isinstance(there, Mapping) and isinstance(value, Mapping):
            merged[key] = laid_over(there, value)
        elif isinstance(there, Sequence) and key in _KEYS:
            merged[key] = _by_name(there, value, _KEYS[key])
        else:
            merged[key] = value
    return merged


def _by_name(base: Sequence[Manifest], extra: Sequence[Manifest], name: str) -> list[Manifest]:
    found = {entry[name]: entry for entry in base}
    for entry in extra:
        found[entry[name]] = laid_over(found.get(entry[name], {}), entry)
    return list(found.values())


def both_say(one: Manifest, other: Manifest, path: str = "") -> Iterator[str]:
    """Yield the paths of the values that two manifests both give, other than names of entries in lists."""
    for key in (key for key in one if key in other):
        here, there, where = one[key], other[key], f"{path}{key}"
        if isinstance(here, Mapping) and isinstance(there, Mapping):
            yield from both_say(here, there, f"{where}.")
        elif key in _KEYS and isinstance(here, Sequence) and isinstance(there, Sequence):
            name = _KEYS[key]
            named = {entry[name]: entry for entry in here}
            for entry in there:
                mine = {k: v for k, v in named.get(entry[name], {}).items() if k != name}
                yield from both_say(mine, {k: v for k, v in entry.items() if k != name}, f"{where}[{entry[name]}].")
        else:
            yield where


def filled(values: Manifest) -> dict[str, Any]:
    """Leave out what is empty: what a pod does not say, Kubernetes decides."""
    return {key: value for key, value in values.items() if value not in (None, {}, [])}
