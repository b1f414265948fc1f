"""What the catalog's configuration says of datasets: no dataset is made, no library imported, no credential read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kedro_airflow_k8s.errors import ConfigError
from kedro_airflow_k8s.project.configuration import read

_IN_MEMORY = {"MemoryDataset", "MemoryDataSet", "SharedMemoryDataset"}


@dataclass(frozen=True)
class Dataset:
    """A dataset as configured: whether it is kept in memory only, and its local path if it is a local file.

    One that is not `known` has no entry in the catalog; Kedro keeps it in memory.
    """

    in_memory: bool
    local_path: str | None = None
    known: bool = True


def datasets(metadata: Any, env: str, names: Iterable[str]) -> dict[str, Dataset]:
    """Look up the datasets of those names, as Kedro's catalog would: by name, by pattern, or else in memory.

    Raises `ConfigError` if the catalog cannot be read.
    """
    wanted = list(names)
    if not wanted:
        return {}
    source = read(metadata, env, "catalog")
    entries = {
        str(key): entry for key, entry in (source.content if source else {}).items() if isinstance(entry, Mapping)
    }
    # Kedro's own order: the most specific pattern first.
    patterns = sorted((key for key in entries if "{" in key), key=lambda key: (-_literal(key), -key.count("{"), key))
    return {name: _dataset(dict(_resolved(name, entries, patterns))) for name in wanted}


def _literal(pattern: str) -> int:
    return len(re.sub(r"\{.*?\}", "", pattern))


def _resolved(name: str, entries: Mapping[str, Any], patterns: Iterable[str]) -> Iterator[tuple[str, Any]]:
    """Yield the entry of a dataset, with a pattern's placeholders filled in."""
    if name in entries:
        yield from entries[name].items()
        return
    from parse import parse

    for pattern in patterns:
        try:
            found = parse(pattern, name)
        except ValueError as error:
            raise ConfigError(f"the catalog's pattern {pattern!r} cannot be read: {error}") from None
        if found:
            for key, value in entries[pattern].items():
                yield key, _filled_in(value, found.named, pattern)
            return


def _filled_in(value: Any, names: Mapping[str, str], pattern: str) -> Any:
    if isinstance(value, Mapping):
        return {key: _filled_in(entry, names, pattern) for key, entry in value.items()}
    if not isinstance(value, str) or "}" not in value:
        return value
    try:
        return value.format_map(names)
    except (AttributeError, IndexError, KeyError, ValueError):
        known = ", ".join(f"{{{name}}}" for name in names) or "nothing"
        raise ConfigError(
            f"the catalog's pattern {pattern!r} can fill in {known}, which does not suit {value!r}"
        ) from None


def _dataset(entry: Mapping[str, Any]) -> Dataset:
    kind = str(entry.get("type", "MemoryDataset")).rpartition(".")[2]
    path = entry.get("filepath", entry.get("path"))
    inner = entry.get("dataset")
    if path is None and isinstance(inner, Mapping) and kind == "CachedDataset":
        return _dataset(inner)
    text = str(path or "")
    # Spark knows a scheme with one slash.
    remote = "://" in text or ("spark." in str(entry.get("type")) and text.startswith("dbfs:/"))
    local = isinstance(path, str) and (text.startswith("file://") or not remote)
    in_memory = kind in _IN_MEMORY or text.startswith("memory://")
    return Dataset(in_memory, text.removeprefix("file://") if local else None, known=bool(entry))
