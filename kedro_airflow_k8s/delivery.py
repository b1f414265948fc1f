"""Writing files to where Airflow reads DAGs: a folder or any URL that fsspec knows, all or nothing."""

from __future__ import annotations

import errno
import logging
import os
import re
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from kedro_airflow_k8s import files
from kedro_airflow_k8s.addresses import public
from kedro_airflow_k8s.errors import DeliveryError
from kedro_airflow_k8s.model import File

_EXTRAS = {"s3": "aws", "s3a": "aws", "gs": "gcp", "gcs": "gcp"}
# There a PUT is a whole: readers see the former object or the new one.
_OBJECT_STORES = frozenset({*_EXTRAS, "memory", "abfs", "abfss", "az", "adl", "oci", "oss", "r2", "b2"})


@dataclass(frozen=True)
class Written:
    """Where the files are now, in the order given; `unchanged` if all of them were there already, byte for byte."""

    urls: tuple[str, ...]
    unchanged: bool


def write(written: Sequence[File], output: str | os.PathLike[str]) -> Written:
    """Write the files below `output`, a folder or an fsspec URL; the DAG comes last, when what it needs is there.

    Nobody sees a file half written. Raises `DeliveryError`.
    """
    place = os.fspath(output)
    for file in written:
        _check_name(file.name, place)
    protocol, path = _split(place)
    if protocol in {"", "file", "local"}:
        return _write_folder(written, _folder(path), place)
    return _write_remote(written, place, protocol)


def located(output: str, base: Path) -> str:
    """Return where `output` is: a URL as it stands, a folder counted from `base`. Raises `DeliveryError`."""
    protocol, path = _split(output)
    # As it was written: a dot at its beginning tells a folder from a URL.
    return output if protocol or base == Path() else str(base / _folder(path))


def _folder(path: str) -> Path:
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise DeliveryError(f"{path}: there is no home folder of this user") from None


def _split(place: str) -> tuple[str, str]:
    if slip := re.match(r"([A-Za-z][A-Za-z0-9+.-]+):/(?!/)", place):
        raise DeliveryError(
            f"{slip[0]}...: a URL has two slashes, {slip[1]}://; a folder of this name is ./{slip[0]}..."
        )
    if re.match(r"[A-Za-z0-9+.-]+::", place):
        raise DeliveryError(f"{public(place)}: a chain of URLs cannot be written to; give the last one alone")
    match = re.match(r"([A-Za-z][A-Za-z0-9+.-]*)://(.*)", place, re.DOTALL)
    return (match[1].lower(), match[2]) if match else ("", place)


def _check_name(name: str, place: str) -> None:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.name or "\0" in name:
        raise DeliveryError(f"{name!r} would not lie in {public(place)}; a file's name is a path below it")


def _write_folder(written: Sequence[File], folder: Path, place: str) -> Written:
    contents = {folder / file.name: file.content.encode() for file in written}
    changed = {target: content for target, content in contents.items() if not _has(target, content)}
    try:
        files.write(changed)
    except files.NotWritten as failure:
        raise DeliveryError(f"{failure.file}: {_os_reason(failure.error)}") from failure.error
    return Written(tuple(map(str, contents)), not changed)


def _has(target: Path, content: bytes) -> bool:
    with suppress(OSError):
        # To open a pipe would wait for somebody who writes to it.
        return target.is_file() and target.read_bytes() == content
    return False


_OS_REASONS = {
    errno.ENOENT: "there is no such folder, and none can be made there",
    errno.EACCES: "no permission to write there",
    errno.EPERM: "no permission to write there",
    errno.EROFS: "the file system is read-only",
    errno.ENOSPC: "no space left on the device",
    errno.EDQUOT: "the disk quota is used up",
    errno.ENOTDIR: "a part of this path is a file, not a folder",
    errno.EEXIST: "a part of this path is a file, not a folder",
    errno.EISDIR: "this is a folder, not a file",
    errno.ENAMETOOLONG: "the name is too long",
}


def _os_reason(error: OSError) -> str:
    return _OS_REASONS.get(error.errno or 0) or error.strerror or str(error)


def _write_remote(written: Sequence[File], place: str, protocol: str) -> Written:
    urls = [f"{place.rstrip('/')}/{file.name}" for file in written]
    unchanged = True
    with _quiet():
        system, root = _file_system(place, protocol)
        for file, url in zip(written, urls, strict=True):
            path, content = f"{root.rstrip('/')}/{file.name}", file.content.encode()
            try:
                if not _holds(system, path, content):
                    unchanged = False
                    _put(system, path, content, protocol)
            # Each of these systems has exceptions of its own, and declares none of them.
            except Exception as error:
                raise DeliveryError(f"{public(url)}: {_remote_reason(error, place)}") from error
    return Written(tuple(public(url) for url in urls), unchanged)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the stores' libraries from logging, tracebacks included, what we tell in one line or what they got over."""
    loggers = [logging.getLogger(name) for name in ("gcsfs", "s3fs", "fsspec", "aiobotocore", "botocore")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _file_system(place: str, protocol: str) -> tuple[Any, str]:
    from fsspec.core import url_to_fs

    try:
        # A kept instance has kept listings too, and others may have written since.
        system, root = url_to_fs(f"{protocol}://{_split(place)[1]}", skip_instance_cache=True)
    except ImportError as error:
        extra = _EXTRAS.get(protocol)
        needed = f"pip install 'kedro-airflow-k8s[{extra}]'" if extra else f"another package ({error})"
        raise DeliveryError(f"{public(place)}: writing to {protocol}:// needs {needed}") from error
    except Exception as error:
        if isinstance(error, ValueError) and "rotocol" in str(error):
            known = "a folder, s3://, gs:// or another URL of fsspec"
            raise DeliveryError(f"{public(place)}: {protocol}:// is not known; output can be {known}") from error
        raise DeliveryError(f"{public(place)}: {_remote_reason(error, place)}") from error
    return system, str(root)


def _holds(system: Any, path: str, content: bytes) -> bool:
    try:
        return bool(system.cat_file(path) == content)
    except FileNotFoundError:
        return False
    except PermissionError:
        # Stores let some users write who may not read, and answer so for what is not there at all.
        return False


def _put(system: Any, path: str, content: bytes, protocol: str) -> None:
    from fsspec import AbstractFileSystem

    if protocol in _OBJECT_STORES or type(system).mv is AbstractFileSystem.mv:
        system.pipe_file(path, content)
        return
    folder, _, name = path.rpartition("/")
    temporary = f"{folder}/.{name}.{secrets.token_hex(4)}.tmp"
    system.makedirs(folder, exist_ok=True)
    try:
        system.pipe_file(temporary, content)
        system.mv(temporary, path)
    except BaseException:
        with suppress(Exception):
            # What failed before is what matters.
            system.rm_file(temporary)
        raise


def _remote_reason(error: Exception, place: str) -> str:
    """Say what is wrong in our words where it is one of the usual things, else in theirs."""
    protocol, path = _split(place)
    name, text = type(error).__name__, " ".join(public(str(error)).split())
    bucket = path.partition("/")[0]
    status = str(getattr(error, "code", "") or "")
    if "Credentials" in name or "RefreshError" in name or "Anonymous caller" in text:
        return (
            f"no usable credentials for {protocol}:// found; log in as its own command line tool would ({text[:200]})"
        )
    if isinstance(error, FileNotFoundError) or "bucket does not exist" in text or "NoSuchBucket" in text:
        return f"there is no bucket {bucket!r}" if protocol in _EXTRAS else f"not found ({text[:200]})"
    if isinstance(error, PermissionError) or status in {"401", "403"} or "Forbidden" in text:
        return f"no permission to write there ({text[:200]})" if text else "no permission to write there"
    if isinstance(error, OSError) and error.errno in _OS_REASONS:
        return _os_reason(error)
    return f"could not be written ({name}: {text[:300]})"
