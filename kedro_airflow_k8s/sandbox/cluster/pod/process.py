"""A command of a container as a process group of this machine."""

from __future__ import annotations

import asyncio
import errno
import os
import re
import signal
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from kedro_airflow_k8s.sandbox.cluster import processes
from kedro_airflow_k8s.sandbox.cluster.image import in_root
from kedro_airflow_k8s.sandbox.cluster.pod.logfile import Log

# Seconds that the last output of a container may take to arrive after its main process ended.
DRAIN = 1.0


class StartError(Exception):
    """A container's process could not be started; the text is a container runtime's."""


@dataclass(frozen=True)
class Command:
    """What to run in a container: no shell, nothing of this machine's environment."""

    argv: tuple[str, ...]
    variables: Mapping[str, str]
    folder: Path

    async def start(self, stdin: int, stdout: int, stderr: int) -> asyncio.subprocess.Process:
        """Start it as the leader of a session of its own; raise StartError if that cannot be done."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            return await asyncio.create_subprocess_exec(
                *(word.encode() for word in self.argv),
                # Bytes, so that no locale of this machine has a say in what arrives.
                env={name.encode(): value.encode() for name, value in self.variables.items()},
                cwd=self.folder,
                stdin=stdin,
                stdout=stdout,
                stderr=stderr,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            name = self.argv[0]
            raise StartError(
                "failed to create containerd task: failed to create shim task: OCI runtime create failed: "
                f"runc create failed: unable to start container process: {_why(error, name)}: unknown"
            ) from error


async def record(process: asyncio.subprocess.Process, output: int, log: Log, folders: Collection[Path]) -> int:
    """Write what comes out of the pipe `output` to a log until the process ends; return a container's exit code.

    As in a container, nothing of it outlives its first process; `folders` tell what is its own.
    """
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    pipe = os.fdopen(output, "rb", buffering=0)
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)
    pump = asyncio.create_task(_pump(reader, log))
    try:
        code = await process.wait()
        send(process.pid, signal.SIGKILL)
        await asyncio.to_thread(end_residents, *folders)
        await asyncio.wait({pump}, timeout=DRAIN)
    finally:
        pump.cancel()
        transport.close()
    return exit_code(code)


def end_residents(*folders: Path) -> None:
    """Kill what left its process group but has its home in one of these folders, which have no symbolic links."""
    for folder in folders:
        processes.kill(processes.residents(folder))


def send(group: int, number: signal.Signals) -> None:
    """Signal a process group; one that is gone is fine."""
    with suppress(ProcessLookupError):
        os.killpg(group, number)


def ask_to_end(pid: int, *, first: bool) -> None:
    """Send SIGTERM to a container's main process, as a container runtime does to it alone.

    With `first` it is process 1 of its container. To that one the kernel delivers only signals it handles or blocks, so
    that a program without a handler lives on. Where the system does not tell (no /proc), the signal is delivered.
    """
    if not first or _takes(pid, signal.SIGTERM):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)


def _takes(pid: int, number: signal.Signals) -> bool:
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return not Path("/proc/self/status").exists()
    masks = re.findall(r"^Sig(?:Cgt|Blk):\s*([0-9a-f]+)", status, re.MULTILINE)
    return any(int(mask, 16) >> (number - 1) & 1 for mask in masks)


def exit_code(code: int) -> int:
    """Return the exit code that a container has: 128 and the signal's number, if a signal ended it."""
    return 128 - code if code < 0 else code


def rewrite_paths(text: str, root: Path, paths: Collection[str]) -> str:
    """Rewrite the absolute `paths` of an image, wherever they stand in a text, to where they lie below `root`."""
    if not paths:
        return text
    known = "|".join(re.escape(path) for path in sorted(paths, key=len, reverse=True))
    return re.sub(rf"(?<![\w./-])(?:{known})(?![\w.-])", lambda match: str(in_root(root, match[0])), text)


async def _pump(reader: asyncio.StreamReader, log: Log) -> None:
    while data := await reader.read(64 * 1024):
        log.feed(data)


def _why(error: OSError | ValueError, name: str) -> str:
    if isinstance(error, FileNotFoundError) and "/" not in name:
        return f'exec: "{name}": executable file not found in $PATH'
    if isinstance(error, ValueError):
        return f"{name!r}: {error}"
    reason = {errno.ENOEXEC: "exec format error", errno.E2BIG: "argument list too long"}.get(error.errno or 0)
    return f'exec: "{name}": {reason or os.strerror(error.errno or 0).lower()}'
