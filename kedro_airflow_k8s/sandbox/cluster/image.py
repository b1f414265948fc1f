"""What a pod finds on its disk: the project, laid out as an image built from it would be."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol

from kedro_airflow_k8s.sandbox.cluster.errors import ClusterError


class Ignore(Protocol):
    """Which files of the project are not in its image."""

    def __call__(self, path: str) -> bool:
        """Tell whether the file or folder at `path`, relative and with slashes, is left out."""

    @property
    def prunes(self) -> bool:
        """Whether everything in a folder that is left out is left out too."""


class Abandoned(Exception):
    """Nobody wants any more what is being copied."""


def _never() -> bool:
    return False


@dataclass(frozen=True)
class _IgnoreNothing:
    prunes = True

    def __call__(self, path: str) -> bool:
        return False


@dataclass(frozen=True)
class Image:
    """The image that every container of the cluster runs, whatever image its pod names."""

    project: Path
    project_path: PurePosixPath
    python: Path
    ignore: Ignore = _IgnoreNothing()

    def build(self, folder: Path, abandoned: Callable[[], bool] = _never) -> None:
        """Make `folder` the image's root, with a copy of the project as `docker build` takes it for `COPY . .`.

        It leaves out what `ignore` names, every `.git`, and every virtual environment. Raises ClusterError with the
        file that cannot be copied, and Abandoned once `abandoned` says so.
        """
        target = in_root(folder, self.project_path)
        try:
            target.mkdir(parents=True, exist_ok=True)
            self._copy("", target, self.ignore, folder.resolve(), _copier(abandoned))
        except OSError as error:
            raise ClusterError(f"{self.project} cannot be copied into the sandbox: {error}") from error

    def environment(self, home: Path, scratch: Path) -> dict[str, str]:
        """Return the variables that the image itself gives a container, before those of its pod."""
        path = (str(self.python.parent), "/usr/local/bin", "/usr/bin", "/bin")
        return {"PATH": os.pathsep.join(path), "HOME": str(home), "TMPDIR": str(scratch), "LANG": "C.UTF-8"}

    def _copy(self, relative: str, target: Path, ignore: Ignore, folder: Path, copy: Callable[[str, str], str]) -> None:
        source = self.project / relative
        for entry in os.scandir(source):
            path = f"{relative}/{entry.name}" if relative else entry.name
            ignored = ignore(path)
            if entry.is_symlink():
                if not ignored:
                    target.mkdir(parents=True, exist_ok=True)
                    os.symlink(self._link(PurePosixPath(path)), target / entry.name)
            elif entry.is_dir():
                if _never_copied(entry, folder) or (ignored and ignore.prunes):
                    continue
                if not ignored:
                    (target / entry.name).mkdir(parents=True, exist_ok=True)
                self._copy(path, target / entry.name, ignore, folder, copy)
            elif entry.is_file() and not ignored:
                target.mkdir(parents=True, exist_ok=True)
                copy(entry.path, str(target / entry.name))
        if target.is_dir():
            shutil.copystat(source, target)

    def _link(self, path: PurePosixPath) -> str:
        """Return what the symbolic link at `path` of the project points to in the image.

        An absolute one into the project is written relative, in the image's terms: it must not lead a pod out of its
        own copy.
        """
        link = os.readlink(self.project / path)
        inside = (str(self.project), str(self.project.resolve()), str(self.project_path))
        if any(PurePosixPath(link).is_relative_to(base) for base in inside):
            return os.path.relpath(link, self.project_path / path.parent)
        return link


def unpack(built: Path, root: Path, hidden: Collection[PurePosixPath], abandoned: Callable[[], bool] = _never) -> None:
    """Copy an image that was built into a container's `root`, less the paths that mounts will hide.

    Raises Abandoned once `abandoned` says so.
    """
    skipped = {in_root(built, path) for path in hidden}

    def below_mounts(folder: str, names: list[str]) -> list[str]:
        return [name for name in names if Path(folder, name) in skipped]

    copy = _copier(abandoned)
    shutil.copytree(built, root, symlinks=True, ignore=below_mounts, copy_function=copy, dirs_exist_ok=True)


def in_root(root: Path, path: PurePosixPath | str) -> Path:
    """Return where an absolute path of the image lies on this machine."""
    return root / os.path.normpath(f"/{path}").lstrip("/")


def remove(folder: Path) -> None:
    """Remove a folder and all in it, read-only folders included; one that is gone already is fine."""
    if not folder.exists():
        return
    for parent, folders, _ in os.walk(folder):
        for name in folders:
            path = os.path.join(parent, name)
            if not os.path.islink(path):
                os.chmod(path, stat.S_IRWXU)
    shutil.rmtree(folder)


def _copier(abandoned: Callable[[], bool]) -> Callable[[str, str], str]:
    def copy(source: str, target: str) -> str:
        if abandoned():
            raise Abandoned
        return shutil.copy2(source, target)

    return copy


def _never_copied(entry: os.DirEntry[str], folder: Path) -> bool:
    if entry.name == ".git" or os.path.exists(os.path.join(entry.path, "pyvenv.cfg")):
        return True
    return Path(entry.path).resolve() == folder  # the sandbox's own folder may lie within the project
