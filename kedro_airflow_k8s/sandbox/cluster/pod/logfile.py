"""What a container printed: a file of lines, each behind the time it came, and how it is read back."""

from __future__ import annotations

import asyncio
import io
import os
import re
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

# A line longer than this is written before it ends; shorter ones only whole, so that no reader sees half of one.
_HELD = 64 * 1024
_BLOCK = 64 * 1024
# What datetime reads in every Python has six digits.
_FRACTION = re.compile(r"\.(\d+)")
_STAMP = len("2026-01-01T00:00:00.000000000Z")


class Log:
    """The output of one container, written to `path` as it comes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.closed = False
        self._file = path.open("wb", buffering=0)
        self._held = b""
        self._midline = False
        self._grown = asyncio.Event()

    def feed(self, data: bytes) -> None:
        """Take in output as it came; a line that has not ended yet is held back for its rest."""
        lines, newline, rest = (self._held + data).rpartition(b"\n")
        if newline:
            self._write(lines + newline)
        self._held = rest
        if len(rest) > _HELD:
            self._write(rest)
            self._held = b""

    def close(self) -> None:
        """Write what was held back: the container ended, and with it its last line."""
        if self.closed:
            return
        if self._held:
            self._write(self._held)
        self._held = b""
        self.closed = True
        self._file.close()
        self._wake()

    async def grown(self) -> None:
        """Wait until there is more to read, or the log is closed."""
        if not self.closed:
            await self._grown.wait()

    def _write(self, data: bytes) -> None:
        stamp = timestamp(time.time_ns()) + b" "
        whole = data.endswith(b"\n")
        body = (data[:-1] if whole else data).replace(b"\n", b"\n" + stamp) + (b"\n" if whole else b"")
        # One write, so that a reader never finds half a stamp. A raw file may take less than all of it.
        view = memoryview(body if self._midline else stamp + body)
        while view:
            view = view[self._file.write(view) or 0 :]
        self._midline = not whole
        self._wake()

    def _wake(self) -> None:
        self._grown.set()
        self._grown = asyncio.Event()


@dataclass(frozen=True)
class Reading:
    """Which part of a log is asked for: lines since a stamp, the last `tail` lines, `limit` bytes at most."""

    follow: bool = False
    timestamps: bool = False
    since: bytes = b""
    tail: int | None = None
    limit: int | None = None


async def read(log: Log, file: io.BufferedReader, reading: Reading) -> AsyncIterator[bytes]:
    """Yield what is asked for of a log piece by piece, with `follow` until the container has ended and all was read.

    `file` is the log's, just opened: it can be read to its end even when the pod's files are removed meanwhile.
    """
    left = reading.limit
    if reading.tail is not None:
        file.seek(_start_of_last(file, reading.tail))
    lines = _Lines(reading)
    while left != 0:
        block = file.read(_BLOCK)
        if block:
            piece = lines.select(block)[:left]
            left = None if left is None else left - len(piece)
            if piece:
                yield piece
        elif log.closed or not reading.follow:
            return
        else:
            await log.grown()


def last(log: Log, lines: int = 80, size: int = 2048) -> str:
    """Return the end of what a container printed, as a kubelet quotes it in the message of a failure."""
    with log.path.open("rb") as file:
        file.seek(_start_of_last(file, lines))
        return _Lines(Reading()).select(file.read())[-size:].decode(errors="replace")


class _Lines:
    """Takes blocks of a log file, cut anywhere, and gives back what of them was asked for."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._rest = b""
        self._wanted: bool | None = None  # of the line that the last block ended in; None between two lines

    def select(self, block: bytes) -> bytes:
        """Return what of the next block was asked for; the start of a stamp is kept for the block after."""
        data = self._rest + block
        out, start = [], 0
        while start < len(data):
            if self._wanted is None:
                if len(data) - start <= _STAMP:
                    break
                self._wanted = data[start : start + _STAMP] >= self._reading.since
                text = start if self._reading.timestamps else start + _STAMP + 1
            else:
                text = start  # this block goes on with a line begun before
            end = data.find(b"\n", text) + 1 or len(data)
            if self._wanted:
                out.append(data[text:end])
            if data[end - 1 : end] == b"\n":
                self._wanted = None
            start = end
        self._rest = data[start:]
        return b"".join(out)


def timestamp(nanoseconds: int) -> bytes:
    """Write a time since the epoch as RFC 3339 with nine digits, whose order as text is the order in time."""
    seconds, fraction = divmod(nanoseconds, 10**9)
    moment = datetime.fromtimestamp(seconds, timezone.utc)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{fraction:09d}Z".encode()


def parse_time(text: str) -> bytes:
    """Return an RFC 3339 time in the form of `timestamp`; raise ValueError if it is none."""
    moment = datetime.fromisoformat(_FRACTION.sub(lambda digits: f".{digits[1][:6]:0<6}", text).replace("Z", "+00:00"))
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone")
    return timestamp((moment - datetime.fromtimestamp(0, timezone.utc)) // timedelta(microseconds=1) * 1000)


def _start_of_last(file: io.BufferedReader, lines: int) -> int:
    """Return the offset at which the last `lines` lines begin."""
    position = size = file.seek(0, os.SEEK_END)
    if lines == 0:
        return size
    # The newline that ends the last line begins none.
    found = -1 if size and _ends_line(file, size) else 0
    while position > 0:
        begin = max(0, position - _BLOCK)
        file.seek(begin)
        block = file.read(position - begin)
        at = len(block)
        while (at := block.rfind(b"\n", 0, at)) >= 0:
            found += 1
            if found == lines:
                return begin + at + 1
        position = begin
    return 0


def _ends_line(file: io.BufferedReader, size: int) -> bool:
    file.seek(size - 1)
    return file.read(1) == b"\n"
