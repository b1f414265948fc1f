"""Whether the project asks for a package, so that its image has it."""

from __future__ import annotations

import re
from pathlib import Path

_FILES = (
    "requirements*.txt",
    "requirements/*.txt",
    "src/requirements*.txt",
    "pyproject.toml",
    "setup.cfg",
    "setup.py",
    "environment.y*ml",
    "*.lock",
    "Dockerfile",
)


def names(path: Path, package: str) -> bool:
    """Tell whether a file by which the project's image may be made names the package, outside of a comment."""
    wanted = re.compile(rf"(?<![\w.-]){re.sub('[-_.]+', '[-_.]+', package)}(?![\w-])", re.IGNORECASE)
    return any(
        wanted.search(re.sub(r"(^|\s)#.*", "", line))
        for pattern in _FILES
        for file in sorted(path.glob(pattern))
        for line in file.read_text(encoding="utf-8", errors="replace").splitlines()
    )
