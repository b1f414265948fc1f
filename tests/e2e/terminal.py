"""A command at a terminal: what it shows there, and keys pressed."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal:
    """`kedro ARGUMENTS` at a terminal that is so many columns wide; `text` is all that came, without control codes."""

    def __init__(self, project: Path, *arguments: str, columns: int, **environment: str) -> None:
        self._main, self._side = pty.openpty()
        fcntl.ioctl(self._side, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        kept = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "LINES", "NO_COLOR"}}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "kedro", *arguments],
            cwd=project,
            env={**kept, "DO_NOT_TRACK": "1", "TERM": "xterm-256color", **environment},
            stdin=self._side,
            stdout=self._side,
            stderr=self._side,
            start_new_session=True,
            # It becomes the terminal of the command, whose Ctrl-C is a key and not a signal of ours.
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        self.raw = ""

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(self, *error: object) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._main)
        os.close(self._side)

    @property
    def text(self) -> str:
        return CONTROL.sub("", self.raw)

    def table_lines(self) -> list[str]:
        """Return the lines that the plugin drew, those of its live table included."""
        drawn = self.text.partition("Triggered")[2].splitlines()
        return [line for line in drawn if not re.match("The run goes on|Interrupted|http", line)]

    def read_until(self, pattern: str, seconds: float = 120) -> None:
        """Read what comes until it has the pattern."""
        deadline = time.monotonic() + seconds
        while not re.search(pattern, self.text):
            assert time.monotonic() < deadline, self.text
            assert self._process.poll() is None, self.text
            self._read()

    def press_ctrl_c(self) -> None:
        os.write(self._main, b"\x03")

    def wait(self, seconds: float = 60) -> int:
        """Read to the end of the command, and return its exit code."""
        deadline = time.monotonic() + seconds
        while self._process.poll() is None:
            assert time.monotonic() < deadline, self.text
            self._read()
        while self._read():
            pass
        return self._process.returncode

    def _read(self) -> bool:
        ready, _, _ = select.select([self._main], [], [], 0.2)
        if ready:
            self.raw += os.read(self._main, 65536).decode(errors="replace")
        return bool(ready)
