"""Files of a run in a folder or at an fsspec URL: whole or not at all, and patient while the store is away."""

from __future__ import annotations

import logging
import os
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

PATIENCE = 120.0
"""Seconds during which a store may be away before reading or writing fails."""

# On these a file appears as a whole when it is closed. Elsewhere it grows under the eyes of its readers.
_OBJECT_STORES = frozenset({"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "adl", "oci", "oss", "r2"})
# The file systems' own libraries, which are not imported here, have errors of their own for what the network does.
_LIBRARIES = frozenset({"botocore", "aiobotocore", "google", "gcsfs", "azure", "aiohttp", "requests", "urllib3"})
_Result = TypeVar("_Result")
_log = logging.getLogger(__name__)


class StoreError(OSError):
    """The store refuses, or did not answer within `PATIENCE` seconds; the text says how."""


@dataclass(frozen=True)
class Store:
    """A folder for the files of one run: a path or an fsspec URL, with fsspec's options for it."""

    folder: str
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def read(self, name: str, load: Callable[[Any], _Result]) -> _Result:
        """Return what `load` makes of the file. Raises `FileNotFoundError` or `StoreError`."""

        def reading() -> _Result:
            system, path = self._located(name)
            with system.open(path, "rb") as file:
                return load(file)

        return self._patiently(f"read {name}", reading)

    def write(self, name: str, dump: Callable[[Any], None]) -> None:
        """Let `dump` write the file, which replaces the one before once it is whole. Raises `StoreError`.

        An error that `dump` raises by itself goes on to the caller, and the file before stays.
        """

        def writing() -> None:
            with _created(*self._located(name)) as file:
                dump(file)

        self._patiently(f"write {name}", writing)

    def has(self, name: str) -> bool:
        """Tell whether the file is there. Raises `StoreError`."""

        def looking() -> bool:
            system, path = self._located(name)
            return bool(system.exists(path))

        return self._patiently(f"look for {name}", looking)

    def remove(self) -> bool:
        """Remove the folder with all that it holds, and tell whether there was one. Raises `StoreError`."""

        def removing() -> bool:
            system, path = self._located("")
            system.invalidate_cache()
            if not system.exists(path):
                return False
            system.rm(path, recursive=True)
            return True

        return self._patiently("remove it", removing)

    def _located(self, name: str) -> tuple[Any, str]:
        import fsspec

        system, path = fsspec.core.url_to_fs(f"{self.folder.rstrip('/')}/{name}".rstrip("/"), **self.options)
        return system, path

    def _patiently(self, what: str, act: Callable[[], _Result]) -> _Result:
        deadline = time.monotonic() + PATIENCE
        pause = 1.0
        while True:
            try:
                return act()
            except FileNotFoundError:
                raise
            except Exception as error:
                if not _is_of_store(error):
                    raise
                if not _may_pass(error) or time.monotonic() + pause > deadline:
                    raise StoreError(_reason(error)) from error
                _log.warning("%s does not answer (cannot %s); trying again: %s", self.folder, what, _reason(error))
            time.sleep(pause)
            pause = min(2 * pause, 15.0)


@contextmanager
def _created(system: Any, path: str) -> Iterator[Any]:
    """Open a file for writing that others see whole, when it is closed without an error, or not at all."""
    protocols = {system.protocol} if isinstance(system.protocol, str) else set(system.protocol)
    if protocols & _OBJECT_STORES:
        file = system.open(path, "wb")
        try:
            yield file
        except BaseException:
            _given_up(file)
            raise
        file.close()
        return
    system.makedirs(system._parent(path), exist_ok=True)
    beside = f"{path}.{uuid.uuid4().hex}.part"
    try:
        with system.open(beside, "wb") as file:
            yield file
        if "file" in protocols:
            os.replace(beside, path)
        else:
            system.mv(beside, path)
    except BaseException:
        with suppress(Exception):
            system.rm_file(beside)
        raise


def _given_up(file: Any) -> None:
    """Close a file of an object store without storing it, which a plain `close` would do."""
    with suppress(Exception):
        file.discard()
    file.closed = True


def _is_of_store(error: Exception) -> bool:
    return isinstance(error, OSError) or type(error).__module__.partition(".")[0] in _LIBRARIES


def _may_pass(error: Exception) -> bool:
    """Tell whether trouble with a store may be over soon: the network's, and that of a busy server."""
    if isinstance(error, OSError):
        return isinstance(error, ConnectionError | TimeoutError)
    name = type(error).__name__
    return "Credentials" not in name and "Auth" not in name and getattr(error, "code", None) not in (400, 401, 403, 404)


def _reason(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
