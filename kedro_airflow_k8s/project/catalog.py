"""What the catalog's configuration says of datasets: no dataset is made, no library imported, no credential read."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from kedro_airflow_k8s.errors import ConfigError
from kedro_airflow_k8s.project.configuration import one_line, read

_UNKNOWN = "unknown"
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

    Raises `ConfigError` if the catalog cannot be read, or if Kedro refuses it.
    """
    wanted = list(names)
    if not wanted:
        return {}
    source = read(metadata, env, "catalog")
    content = source.content if source else {}
    entries = {str(key): _open(entry) for key, entry in content.items() if isinstance(entry, Mapping)}
    with _quiet():
        try:
            resolve = _resolver(entries)
            return {name: _dataset(resolve(name)) for name in wanted}
        except (KeyError, ValueError) as error:
            raise ConfigError(f"the catalog has a pattern that Kedro cannot use: {one_line(error)}") from None
        except Exception as error:
            # Kedro refuses it in every pod, whether or not the pipeline uses what is wrong.
            raise ConfigError(f"Kedro refuses the catalog: {one_line(error)}") from None


def _open(value: Any) -> Any:
    """Copy an entry without credentials, which nobody has to have here."""
    if isinstance(value, Mapping):
        return {key: _open(entry) for key, entry in value.items() if key != "credentials"}
    return [_open(entry) for entry in value] if isinstance(value, list) else value


def _resolver(entries: dict[str, Any]) -> Callable[[str], Mapping[str, Any]]:
    """Return what finds a dataset's entry by its name, with a pattern's placeholders filled in; empty if there is none.

    Raises Kedro's errors for entries and patterns that it cannot use.
    """
    from kedro.io.catalog_config_resolver import CatalogConfigResolver

    if hasattr(CatalogConfigResolver, "match_runtime_pattern"):
        # Kedro 1 has an entry for every name. This one tells that it made it up.
        unknown = {"{name}": {"type": _UNKNOWN}}
        resolver = CatalogConfigResolver(config=entries, default_runtime_patterns=unknown)
    else:
        resolver = CatalogConfigResolver(config=entries)

    def resolve(name: str) -> Mapping[str, Any]:
        entry: Mapping[str, Any] = resolver.resolve_pattern(name)
        return {} if entry.get("type") == _UNKNOWN else entry

    return resolve


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Kedro from logging what it takes for a catalog's first use."""
    logger = logging.getLogger("kedro.io.catalog_config_resolver")
    before, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = before


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
