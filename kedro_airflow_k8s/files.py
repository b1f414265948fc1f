"""Writing local files: all of them or none, each seen whole or not at all."""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

# Seconds after which a temporary file belongs to a process that was killed: writing one takes much less.
_ABANDONED = 3600


class NotWritten(Exception):
    """A file cannot be written, and so none was; `error` says why."""

    def __init__(self, file: Path, error: OSError) -> None:
        super().__init__(f"{file}: {error}")
        self.file = file
        self.error = error


def write(contents: Mapping[Path, bytes]) -> None:
    """Write the files, in their order. Raises `NotWritten`, with everything as it was before."""
    with ExitStack() as backups, ExitStack() as undo:
        with ExitStack() as stages:
            staged = []
            for file, content in contents.items():
                with _naming(file):
                    # A link stays one.
                    target = Path(os.path.realpath(file))
                    staged.append((file, _stage(target, content, stages.callback, undo.callback), target))
            # Only now is all of it safely on the disk.
            for file, new, target in staged:
                with _naming(file):
                    _replace(new, target, backups.callback, undo.callback)
        undo.pop_all()


@contextmanager
def _naming(file: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise NotWritten(file, error) from error


def _stage(target: Path, content: bytes, later: Callable[..., object], undo: Callable[..., object]) -> Path:
    """Write the content beside the target."""
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if target.exists() and not target.is_file():
        raise OSError(errno.ENOTSUP, "this is a pipe or a device, not a file")
    for folder in reversed([folder for folder in target.parents if not folder.exists()]):
        # Another process may make it at the same time.
        folder.mkdir(exist_ok=True)
        undo(_quietly, folder.rmdir)
    _sweep(target)
    new = _beside(target)
    later(_quietly, new.unlink)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(descriptor)
    if target.is_file():
        shutil.copymode(target, new)
    return new


def _replace(new: Path, target: Path, later: Callable[..., object], undo: Callable[..., object]) -> None:
    before = _beside(target)
    if not target.exists():
        undo(_quietly, target.unlink)
    else:
        # Its content need not be readable. Where there are no hard links, there is no way back.
        with suppress(OSError):
            os.link(target, before)
            later(_quietly, before.unlink)
            undo(_quietly, lambda: os.replace(before, target))
    os.replace(new, target)


def _beside(target: Path) -> Path:
    # In the same folder, lest the rename crosses file systems; of a name that Airflow does not take for a DAG.
    return target.with_name(f".{target.name[:50]}.{secrets.token_hex(4)}.tmp")


def _sweep(target: Path) -> None:
    """Remove what a process that was killed has left beside the target."""
    ours = re.compile(rf"\.{re.escape(target.name[:50])}\.[0-9a-f]{{8}}\.tmp")
    with suppress(OSError):
        for file in target.parent.iterdir():
            # Not when it was written: a backup is a link to the former file, and as old as that.
            if ours.fullmatch(file.name) and time.time() - file.lstat().st_ctime > _ABANDONED:
                _quietly(file.unlink)


def _quietly(act: Callable[[], object]) -> None:
    # What failed first is what matters; a disk that takes no file lets none be removed either.
    with suppress(OSError):
        act()
