"""Where the project lies in its image, whatever `project_path` says."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

_INSTRUCTION = re.compile(r"^[ \t]*(FROM|WORKDIR|COPY|ADD)[ \t]+(.+?)[ \t]*$", re.IGNORECASE | re.MULTILINE)


def image_path(project: Path, workdir: PurePosixPath | None, project_path: PurePosixPath) -> PurePosixPath:
    """Return the folder of the project in the image: `project_path` if the Dockerfile can have put it there.

    `workdir` is the folder that the Dockerfile ends in. It is returned if nothing is copied to `project_path`, so that
    pods fail in the sandbox as they would in the cluster. Without a Dockerfile, or with variables in it, nobody knows.
    """
    try:
        text = (project / "Dockerfile").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return project_path
    found = list(_folders(text.replace("\\\n", " ")))
    if workdir is None or any("$" in folder for folder in found):
        return project_path
    return project_path if str(project_path) in found else workdir


def _folders(text: str) -> Iterator[str]:
    """Yield the folders that a Dockerfile works in or copies to."""
    current = "/"
    for instruction, rest in _INSTRUCTION.findall(text):
        if instruction.upper() == "FROM":
            continue
        folder = posixpath.normpath(posixpath.join(current, rest.split()[-1].strip("\"'[],")))
        if instruction.upper() == "WORKDIR":
            current = folder
        yield folder
