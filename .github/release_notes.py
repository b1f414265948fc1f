"""Prints the section of CHANGELOG.md for a tag: `python .github/release_notes.py v1.2.3`."""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def notes(tag: str, source: str, changelog: str) -> str:
    """Return the changelog's section of the version that the tag names.

    `source` is the text of the module that sets `__version__`. Raises `ValueError` if it has another version, or if the
    changelog has no section or an empty one.
    """
    version = tag.removeprefix("v")
    found = re.search(r'^__version__ = "(.+)"$', source, re.MULTILINE)
    if found is None or found[1] != version:
        raise ValueError(f"the tag is {tag}, and __version__ is {found[1] if found else 'missing'}; make them equal")
    section = re.search(rf"^## \[{re.escape(version)}\].*\n((?:(?!## ).*\n?)*)", changelog, re.MULTILINE)
    if section is None or not section[1].strip():
        raise ValueError(f"CHANGELOG.md has no entries under ## [{version}]; add that section before the tag")
    return section[1].strip() + "\n"


if __name__ == "__main__":
    try:
        text = notes(
            sys.argv[1],
            (ROOT / "kedro_airflow_k8s/__init__.py").read_text(encoding="utf-8"),
            (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"),
        )
    except ValueError as error:
        sys.exit(str(error))
    sys.stdout.write(text)
