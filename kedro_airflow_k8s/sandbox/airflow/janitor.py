"""A process that removes what another one has half made, even if that one is killed."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

DONE = b"done"
# Seconds that processes which were killed may take to end.
PATIENCE = 10.0


@contextmanager
def cleaned_up(made: Path, lock: int) -> Iterator[Path]:
    """Give a working folder for processes that make the folder `made`.

    After the block it is gone with all processes that work in it; so is `made`, unless the block ends well. The lock,
    a descriptor, is held until then.
    """
    work = made.with_name(f"{made.name}.making")
    # Not by `-m`: the package imports this module, which Python then warns of.
    command = [sys.executable, "-c", f"from {__name__} import main; main()", str(work), str(made)]
    # Away from the terminal, whose Ctrl-C is for the process that makes the folder.
    janitor = subprocess.Popen(  # noqa: S603
        command, cwd=made.parent, stdin=subprocess.PIPE, start_new_session=True, pass_fds=(lock,)
    )
    if janitor.stdin is None:
        raise ValueError("the janitor has no pipe")
    try:
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir()
        yield work
        janitor.stdin.write(DONE)
    finally:
        janitor.stdin.close()
        janitor.wait()


def main() -> None:
    """Wait for the end of the input, which comes with the end of whoever started this, and clean up."""
    # Not at the top: without the extra, this module must import, for `install` to say what is missing.
    from kedro_airflow_k8s.sandbox.cluster import processes

    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    work, made = Path(sys.argv[1]).resolve(), Path(sys.argv[2])
    done = sys.stdin.buffer.read() == DONE
    deadline = time.monotonic() + PATIENCE
    while (left := processes.residents(work)) and time.monotonic() < deadline:
        processes.kill(left)
        time.sleep(0.05)
    for folder in (work,) if done else (work, made):
        shutil.rmtree(folder, ignore_errors=True)
