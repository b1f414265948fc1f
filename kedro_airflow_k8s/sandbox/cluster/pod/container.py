"""One container of a pod, from its files to its exit code."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from kedro_airflow_k8s.sandbox.cluster.image import Image, in_root, unpack
from kedro_airflow_k8s.sandbox.cluster.objects.refusal import Json
from kedro_airflow_k8s.sandbox.cluster.pod import process, volumes
from kedro_airflow_k8s.sandbox.cluster.pod.environment import arguments
from kedro_airflow_k8s.sandbox.cluster.pod.logfile import Log
from kedro_airflow_k8s.sandbox.cluster.pod.process import Command, StartError

# What the image runs when a pod names neither a command nor arguments.
_DEFAULT = ("kedro", "run")


@dataclass(frozen=True)
class Filesystem:
    """Where one container lives: its root, its own /tmp, and the image's paths that it may name."""

    root: Path
    scratch: Path
    folder: Path
    paths: tuple[str, ...]

    def script(self, words: Collection[str]) -> tuple[str, ...]:
        """Return a command line with the image's paths in it replaced by where they lie."""
        return tuple(process.rewrite_paths(word, self.root, self.paths) for word in words)


def lay_out(
    spec: Json, built: Path, files: Filesystem, found: Mapping[str, Path], abandoned: Callable[[], bool]
) -> None:
    """Make the files that a container finds: the image's and its volumes; raise Abandoned once `abandoned` says so."""
    unpack(built, files.root, volumes.mount_paths(spec), abandoned)
    volumes.mount(spec, files.root, found)
    for folder in (files.root / "root", files.scratch):
        folder.mkdir(parents=True, exist_ok=True)


def find_filesystem(spec: Json, image: Image, root: Path, scratch: Path) -> Filesystem:
    """Decide where a container lives; raise StartError for a working directory that is none."""
    folder = spec.get("workingDir") or str(image.project_path)
    if not PurePosixPath(folder).is_absolute():
        raise StartError(f"OCI runtime create failed: Cwd must be an absolute path: unknown: {folder!r}")
    paths = (str(image.project_path), folder, *(str(path) for path in volumes.mount_paths(spec)))
    return Filesystem(root, scratch, in_root(root, folder), paths)


class Container:
    """A container that can run: its command and what it has printed."""

    def __init__(
        self, spec: Json, pod: Json, values: Mapping[str, str], image: Image, files: Filesystem, log: Log
    ) -> None:
        hostname = str(pod["spec"].get("hostname") or pod["metadata"]["name"])[:63].rstrip("-.")
        own = {**image.environment(files.root / "root", files.scratch), "HOSTNAME": hostname}
        self.files = files
        self.log = log
        self.variables = {**own, **values}
        words = arguments(spec, values) or _DEFAULT
        # A command of the pod's own is a script for the image's files; arguments alone are for the image's program.
        self._command = Command(files.script(words) if spec.get("command") else words, self.variables, files.folder)
        # In a shared process namespace process 1 is the pause container, and signals do what they do by default.
        self._first = not pod["spec"].get("shareProcessNamespace", False)
        self._output = -1
        self._process: asyncio.subprocess.Process | None = None
        self.others: set[int] = set()
        self.out_of_memory = False

    @property
    def pid(self) -> int:
        """The id of its main process; raise RuntimeError if that was not started."""
        if self._process is None:
            raise RuntimeError("a container is asked for its process before it was started")
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether its process was started and has not ended."""
        return self._process is not None and self._process.returncode is None

    async def start(self) -> None:
        """Start its process, with what it prints going to its log; raise StartError if that cannot be done."""
        self._output, output = os.pipe()
        try:
            self._process = await self._command.start(asyncio.subprocess.DEVNULL, output, output)
        except StartError:
            os.close(self._output)
            raise
        finally:
            os.close(output)

    async def wait(self) -> int:
        """Wait until its process has ended, once; return the exit code."""
        if self._process is None:
            raise RuntimeError("a container is waited for before it was started")
        home = self.files.root, self.files.scratch
        try:
            return await process.record(self._process, self._output, self.log, home)
        finally:
            for group in self.others:
                process.send(group, signal.SIGKILL)
            self._process = None
            self.log.close()

    def ask_to_end(self) -> None:
        """Send SIGTERM to its main process, if that runs."""
        if self._process is not None and self.running:
            process.ask_to_end(self._process.pid, first=self._first)

    def interrupt(self) -> None:
        """Send SIGINT to its process group, if it runs."""
        if self._process is not None and self.running:
            process.send(self._process.pid, signal.SIGINT)

    def kill_for_memory(self) -> None:
        """Kill it because it has reached its memory limit."""
        self.out_of_memory = True
        self.kill()

    def kill(self) -> None:
        """Kill its process group, and what was started beside it (`others`)."""
        if self._process is not None and self.running:
            process.send(self._process.pid, signal.SIGKILL)
        for group in self.others:
            process.send(group, signal.SIGKILL)
