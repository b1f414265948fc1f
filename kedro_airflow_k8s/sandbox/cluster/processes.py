"""Processes of the sandbox found again and ended, whatever became of the process that started them."""

from __future__ import annotations

import ctypes
import os
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import psutil

from kedro_airflow_k8s.sandbox.cluster.errors import ClusterError

_PR_SET_CHILD_SUBREAPER = 36


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent dies (Linux; elsewhere that stays the first process)."""
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))


def residents(root: Path) -> list[psutil.Process]:
    """Return the processes, this one aside, that work in `root` or whose environment has its HOME or TMPDIR there.

    `root` must have no symbolic links in it. The environment alone would not do: Airflow's processes rename
    themselves, which overwrites it.
    """
    return [process for process in psutil.process_iter() if process.pid != os.getpid() and _lives_in(process, root)]


def descendants() -> list[psutil.Process]:
    """Return this process's children, their children, and so on."""
    return list(psutil.Process().children(recursive=True))


def kill(processes: Iterable[psutil.Process]) -> None:
    """Kill those processes, without waiting for their end."""
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()


def sweep(root: Path, seconds: float = 5) -> None:
    """Kill every descendant and resident until there is none, since what is killed may just have started another one.

    Raise ClusterError with the pids of those still there after that time.
    """
    deadline = time.monotonic() + seconds
    while left := [*descendants(), *residents(root)]:
        if time.monotonic() > deadline:
            pids = " ".join(sorted({str(process.pid) for process in left}))
            raise ClusterError(f"Processes of the sandbox do not end; end them by `kill -9 {pids}`.")
        kill(left)
        # This also reaps those that are children of this process.
        psutil.wait_procs(left, timeout=0.5)


def _lives_in(process: psutil.Process, root: Path) -> bool:
    # Another user's process does not tell, and a dead one has nothing to tell: neither is one of the sandbox.
    with suppress(psutil.Error, OSError):
        if Path(process.cwd()).is_relative_to(root):
            return True
    with suppress(psutil.Error, OSError):
        environment = process.environ()
        return any(Path(environment.get(name, "/")).is_relative_to(root) for name in ("HOME", "TMPDIR"))
    return False
