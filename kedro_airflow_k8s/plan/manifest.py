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
# Of these an entry is one value: half of one source and half of another make no volume and no variable.
_WHOLE = ("env", "volumes", "volumeMounts", "hostAliases", "imagePullSecrets")
_CONTAINER = (
    "name",
    "image",
    "imagePullPolicy",
    "workingDir",
    "command",
    "args",
    "resources",
    "volumeMounts",
    "env",
    "envFrom",
)


def laid_over(base: Manifest, extra: Manifest) -> dict[str, Any]:
    """Return `base` with `extra` over it: maps key by key, named lists by name, and of all else what `extra` says."""
    merged = dict(base)
    for key, value in extra.items():
        there = merged.get(key)
        if isinstance(there, Mapping) and isinstance(value, Mapping):
            merged[key] = laid_over(there, value)
        elif isinstance(there, Sequence) and key in _KEYS:
            merged[key] = _by_name(there, value, key)
        else:
            merged[key] = value
    return merged


def _by_name(base: Sequence[Manifest], extra: Sequence[Manifest], key: str) -> list[Manifest]:
    name = _KEYS[key]
    found = {entry[name]: entry for entry in base}
    for entry in extra:
        found[entry[name]] = entry if key in _WHOLE else laid_over(found.get(entry[name], {}), entry)
    return list(found.values())


def both_say(one: Manifest, other: Manifest, path: str = "") -> Iterator[str]:
    """Yield the paths of the values that two manifests both give, other than the names of entries in lists."""
    for key in (key for key in one if key in other):
        here, there, where = one[key], other[key], f"{path}{key}"
        if isinstance(here, Mapping) and isinstance(there, Mapping):
            yield from both_say(here, there, f"{where}.")
        elif key in _KEYS and isinstance(here, Sequence) and isinstance(there, Sequence):
            name = _KEYS[key]
            named = {entry[name]: entry for entry in here}
            for entry in (entry for entry in there if entry[name] in named):
                inside = f"{where}[{entry[name]}]"
                mine, theirs = _without(named[entry[name]], name), _without(entry, name)
                yield from [inside] if key in _WHOLE else both_say(mine, theirs, f"{inside}.")
        else:
            yield where


def _without(entry: Manifest, name: str) -> dict[str, Any]:
    return {key: value for key, value in entry.items() if key != name}


def readable(pod: Manifest) -> dict[str, Any]:
    """Return the pod without what is empty, in the order in which people write one: the containers last."""
    spec = filled(pod["spec"])
    containers = [{key: each[key] for key in sorted(each, key=_position)} for each in spec.pop("containers")]
    return {**pod, "metadata": filled(pod["metadata"]), "spec": {**spec, "containers": containers}}


def _position(key: str) -> int:
    return _CONTAINER.index(key) if key in _CONTAINER else len(_CONTAINER)


def filled(values: Manifest) -> dict[str, Any]:
    """Leave out what is empty: what a pod does not say, Kubernetes decides."""
    return {key: value for key, value in values.items() if value not in (None, {}, [])}
