"""What the project's Dockerfile and .dockerignore say of its image."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from kedro_airflow_k8s import dockerignore


def workdir(path: Path) -> PurePosixPath | None:
    """Return the folder that the project's Dockerfile ends in, or None if it names none."""
    try:
        text = (path / "Dockerfile").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    stages: dict[str, PurePosixPath | None] = {}
    stage, folder = "", None
    for instruction, rest in re.findall(
        r"^[ \t]*(FROM|WORKDIR)[ \t]+(.+?)[ \t]*$", text.replace("\\\n", " "), re.IGNORECASE | re.MULTILINE
    ):
        if instruction.upper() == "FROM":
            words = [word for word in rest.split() if not word.startswith("--")]
            # A stage begins where the one it is made from ended.
            folder = stages.get(words[0].lower())
            stage = words[-1].lower() if len(words) == 3 else ""
        else:
            folder = (folder or PurePosixPath("/")) / rest.strip(" \t\"'")
        stages[stage] = folder
    return folder


def left_out(path: Path, files: Iterable[str]) -> dict[str, str]:
    """Return those of the files, relative to the project, that its .dockerignore keeps out of an image, made plain."""
    ignored = dockerignore.read(path)
    relative = {file: posixpath.normpath(file) for file in files if not posixpath.isabs(file)}
    return {file: plain for file, plain in relative.items() if not plain.startswith("..") and ignored(plain)}
