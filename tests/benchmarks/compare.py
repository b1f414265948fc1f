"""Compare the CPU time of two commands: A B A B ..., medians and their ratio."""

import os
import resource
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path


def cpu(command: Sequence[str], cwd: Path, env: Mapping[str, str]) -> float:
    """Run the command and return the CPU seconds that it and its children took."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        command, cwd=cwd, env={**os.environ, "DO_NOT_TRACK": "1", **env}, capture_output=True, text=True
    )
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def compare(name: str, ours: Sequence[str], theirs: Sequence[str], *, cwd: Path, runs: int = 10, **env: str) -> float:
    """Print the medians of both commands and return the ratio of ours to theirs; one run of each is not counted."""
    pairs = [(cpu(ours, cwd, env), cpu(theirs, cwd, env)) for _ in range(runs + 1)][1:]
    a, b = (statistics.median(times) for times in zip(*pairs, strict=True))
    print(f"{name}: {a:.3f} s / {b:.3f} s = {a / b:.3f}   (medians of {runs}, CPU)")
    return a / b
