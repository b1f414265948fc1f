"""Runs the commands of a page as a reader would, in order and in one shell, with stand-ins for what needs a network."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from tests.docs.pages import Block, script

# What is not run, and why. A page names those that a block uses by `<!-- stub: NAME -->`; to use another is an error.
STUBS = {
    "pip": "needs the package index",
    "docker": "needs a container engine and a registry",
    "kubectl": "needs a cluster",
    "gcloud": "needs Google Cloud",
    "aws": "needs AWS",
    "xdg-open": "opens a browser",
}

STUB = """#!/bin/sh
case ",$STUBS," in
  *",{name},"*) echo "${{STUB_ANSWER:-stub}}" ;;
  *) echo "{name} is run, and the block has no comment <!-- stub: {name} -->" >&2; exit 99 ;;
esac
"""

# An environment that pip would fill is not made: the one of the tests is used in its place.
PYTHON = """#!/bin/sh
case "$1 $2" in
  "-m venv") mkdir -p "$3/bin" && : > "$3/bin/activate" ;;
  "-m ipykernel") exec pip "$@" ;;
  *) exec {python} "$@" ;;
esac
"""

GIT = "[user]\n  name = Reader\n  email = reader@example.com\n[init]\n  defaultBranch = main\n"


def run(
    blocks: list[Block],
    folder: Path,
    home: Path,
    *,
    without: tuple[str, ...] = (),
    end: str = "",
    replaced: Mapping[str, str] = MappingProxyType({}),
    environment: Mapping[str, str] = MappingProxyType({}),
) -> subprocess.CompletedProcess[str]:
    """Do in `folder` what the blocks say, but for those that need what `without` names, and at the end `end`.

    `home` is the reader's home, `replaced` are texts of the page for which the reader puts their own.
    """
    stubs = home / "stubs"
    stubs.mkdir(parents=True, exist_ok=True)
    programs = {name: STUB.format(name=name) for name in STUBS}
    programs |= {name: PYTHON.format(python=sys.executable) for name in ("python", "python3")}
    for name, text in programs.items():
        (stubs / name).write_text(text, encoding="utf-8")
        (stubs / name).chmod(0o755)
    (home / ".gitconfig").write_text(GIT, encoding="utf-8")
    (home / ".airflow-token").write_text("token", encoding="utf-8")
    own = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "KEDRO_CONFIG"))},
        "PATH": os.pathsep.join([str(stubs), str(Path(sys.executable).parent), os.environ["PATH"]]),
        "HOME": str(home),
        "DO_NOT_TRACK": "1",
        "COLUMNS": "200",
        **environment,
    }
    return subprocess.run(
        ["bash", "-c", script(blocks, replaced, without) + end],
        cwd=folder,
        env=own,
        capture_output=True,
        text=True,
        timeout=540,
        check=False,
        stdin=subprocess.DEVNULL,
    )
