"""Which files of a project `docker build` leaves out: the patterns of its .dockerignore."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from kedro_airflow_k8s.errors import ProjectError

# BuildKit prefers the ignore file named after the Dockerfile.
_NAMES = ("Dockerfile.dockerignore", ".dockerignore")


@dataclass(frozen=True)
class Rule:
    """One pattern: what it matches is left out, or with `keep` (a leading `!`) taken in again."""

    matches: Callable[[str], object]
    keep: bool


@dataclass(frozen=True)
class Ignore:
    """The rules of one project; the last one that matches a path decides."""

    rules: tuple[Rule, ...]

    def __call__(self, path: str) -> bool:
        """Tell whether the file or folder at `path`, relative and with slashes, is left out."""
        return next((not rule.keep for rule in reversed(self.rules) if rule.matches(path)), False)

    @property
    def prunes(self) -> bool:
        """Whether all in a folder that is left out is left out too."""
        return not any(rule.keep for rule in self.rules)


def read(project: Path) -> Ignore:
    """Read a project's ignore file; without one nothing is left out. Raises `ProjectError`."""
    file = next((project / name for name in _NAMES if (project / name).is_file()), None)
    if file is None:
        return Ignore(())
    try:
        return Ignore(tuple(_rules(file.read_text(encoding="utf-8-sig"))))
    except (re.error, UnicodeDecodeError) as error:
        raise ProjectError(f"{file}: not a valid list of patterns to ignore: {error}") from error


def _rules(text: str) -> Iterator[Rule]:
    for line in text.splitlines():
        pattern = "" if line.startswith("#") else line.strip()
        keep = pattern.startswith("!")
        pattern = pattern[keep:].strip()
        if pattern:
            yield Rule(re.compile(_regex(posixpath.normpath(pattern).lstrip("/")), re.DOTALL).fullmatch, keep)


def _regex(pattern: str) -> str:
    """Write a pattern as a regular expression for a path or any folder above it."""
    parts = []
    for piece in re.findall(r"\*\*/?|\\.|\[[^\]]*\]|.", pattern, re.DOTALL):
        if piece == "**":
            parts.append(".*")
        elif piece == "**/":
            parts.append("(?:.*/)?")
        elif piece == "*":
            parts.append("[^/]*")
        elif piece == "?":
            parts.append("[^/]")
        elif len(piece) > 1 and piece[0] == "[":
            parts.append(piece)
        else:
            parts.append(re.escape(piece[-1]))
    return "".join(parts) + "(?:/.*)?"
