"""What lies around the project: its git repository and its Dockerfile."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path, PurePosixPath


@dataclass(frozen=True)
class Commit:
    """The commit that is checked out; `when` is its committer's date in UTC."""

    sha: str
    when: datetime


def commit(path: Path) -> Commit | None:
    """Return the commit that is checked out, or None outside git."""
    try:
        answer = subprocess.run(  # noqa: S603
            ["git", "-C", str(path), "show", "--no-patch", "--format=%H %ct", "HEAD"],  # noqa: S607
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        )
        sha, seconds = answer.stdout.split()
        return Commit(sha, datetime.fromtimestamp(int(seconds), timezone.utc))
    except (OSError, subprocess.SubprocessError, ValueError):
        # No git, no repository, no commit yet: the DAG then says so (`UNKNOWN`).
        return None


def workdir(path: Path) -> PurePosixPath | None:
    """Return the folder that the project's Dockerfile ends in, or None if it names none or only by a variable."""
    try:
        text = (path / "Dockerfile").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    folder = PurePosixPath("/")
    named = False
    for match in re.finditer(r"^[ \t]*(FROM|WORKDIR)[ \t]+(.+?)[ \t]*$", text, re.IGNORECASE | re.MULTILINE):
        if match[1].upper() == "FROM":
            folder, named = PurePosixPath("/"), False
        else:
            folder, named = folder / match[2].strip("\"'"), True
    return folder if named and "$" not in str(folder) else None
