"""The git repository around the project."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

# A repository of another user, as in a container of CI, may be read, and what is read is only the commit.
_SETTINGS = ("-c", "safe.directory=*", "-c", "log.showSignature=false")
# What a container makes of permissions is no change.
_COMPARING = ("-c", "core.fileMode=false", "-c", "core.fsmonitor=false")


@dataclass(frozen=True)
class Commit:
    """The commit that is checked out; `when` is its committer's date in UTC.

    `changed` tells whether the project's code or configuration is known to differ from it.
    """

    sha: str
    when: datetime
    changed: bool = False


@dataclass(frozen=True)
class Repository:
    """The git repository around a project, and the branch that others are merged to."""

    root: Path
    branch: str


def commit(path: Path, parts: Sequence[Path]) -> Commit | None:
    """Return the commit that is checked out, or None outside git; `parts` of the project are looked at for changes."""
    try:
        sha, seconds = _git(path, "show", "--no-patch", "--format=%H %ct", "HEAD").split()
        return Commit(sha, datetime.fromtimestamp(int(seconds), timezone.utc), _changed(path, parts))
    except (OSError, subprocess.SubprocessError, ValueError):
        # No git, no repository, no commit yet: the DAG then says so (`UNKNOWN`).
        return None


def _changed(path: Path, parts: Sequence[Path]) -> bool:
    options = ("--porcelain", "--untracked-files=normal", "--ignore-submodules=all")
    try:
        # Whose repository it is does count: to compare files, git runs programs that its settings name.
        return bool(_git(path, "--no-optional-locks", "status", *options, "--", *map(str, parts), settings=_COMPARING))
    except (OSError, subprocess.SubprocessError):
        return False


def repository(path: Path) -> Repository | None:
    """Return the repository that a folder lies in, or None outside git."""
    try:
        root = Path(_git(path, "rev-parse", "--show-toplevel").removesuffix("\n"))
        references = "refs/remotes/origin/HEAD", "refs/heads/main", "refs/heads/master"
        found = _git(path, "for-each-ref", "--format=%(refname) %(symref)", *references).splitlines()
    except (OSError, subprocess.SubprocessError):
        return None
    # The first that there is; a repository without a commit has no branch yet.
    name, _, target = min(found, key=lambda line: references.index(line.split()[0]), default="main ").partition(" ")
    return Repository(root, (target or name).removeprefix("refs/remotes/origin/").removeprefix("refs/heads/"))


def is_ignored(file: Path) -> bool:
    """Tell whether git leaves the file out; its folder must be there."""
    try:
        _git(file.parent, "check-ignore", "--quiet", str(file))
        return True
    except (OSError, subprocess.SubprocessError):
        return False


def _git(path: Path, *arguments: str, settings: tuple[str, ...] = _SETTINGS) -> str:
    answer = subprocess.run(  # noqa: S603
        ["git", *settings, "-C", str(path), *arguments],  # noqa: S607
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    return answer.stdout
