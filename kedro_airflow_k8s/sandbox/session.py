"""One session of the sandbox, seen from the command: its supervisor is started, listened to and ended."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Any

from kedro_airflow_k8s.errors import SandboxError
from kedro_airflow_k8s.model import Report
from kedro_airflow_k8s.sandbox.cluster import image, settings
from kedro_airflow_k8s.sandbox.cluster.errors import ClusterError
from kedro_airflow_k8s.sandbox.cluster.settings import DEFAULT, ClusterSettings

# Seconds that the supervisor may take to end everything.
PATIENCE = 20
# Characters of the folder for temporary files.
LONGEST = 40


@dataclass(frozen=True)
class Setup:
    """What to run: an Airflow with Variables, and a cluster with secrets whose image holds the project.

    `airflow` is the Python of Airflow's environment, `python` the one that pods run, and `project_path` the project's
    folder in the image.
    """

    airflow: Path
    project: Path
    project_path: PurePosixPath
    secrets: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    triggerer: bool = False
    python: Path = Path(sys.executable)
    cluster: ClusterSettings = DEFAULT


@dataclass(frozen=True)
class Sandbox:
    """A sandbox that runs: Airflow's address and login, the folders of DAGs, of claims, and of
    claims that are deleted, Kubernetes' address."""

    url: str
    username: str
    password: str = field(repr=False)
    dags: Path
    claims: Path
    released: Path
    kubernetes: str
    check: Callable[[], None]
    """Raises SandboxError if the sandbox has come to an end by itself."""


@contextmanager
def started(setup: Setup, report: Report) -> Iterator[Sandbox]:
    """Run a sandbox as long as the block runs; `report` receives lines of progress while it starts.

    All of it is gone after the block, even if this process is killed within. Raise SandboxError if it does not start.
    """
    root = Path(tempfile.mkdtemp(prefix="kedro-airflow-k8s-", dir=_temporary())).resolve()
    log = root / "supervisor.log"
    with log.open("wb") as errors:
        # Away from the terminal: its Ctrl-C is for this process, which then ends the other one in good order.
        supervisor = subprocess.Popen(
            [sys.executable, "-m", "kedro_airflow_k8s.sandbox.supervisor"],
            cwd=root,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,
            text=True,
            encoding="utf-8",
        )
    listener = _Listener(supervisor, log, report)
    try:
        listener.send(dump(setup, root))
        ready = listener.wait_until_ready()
        yield Sandbox(
            ready["url"],
            ready["username"],
            ready["password"],
            Path(ready["dags"]),
            Path(ready["claims"]),
            Path(ready["released"]),
            ready["kubernetes"],
            listener.check,
        )
    finally:
        _end(supervisor, listener, root)


def _temporary() -> str:
    # Airflow makes sockets below it, whose paths may have some 100 characters.
    folder = tempfile.gettempdir()
    return folder if len(folder) <= LONGEST else "/tmp"  # noqa: S108


def dump(setup: Setup, root: Path) -> str:
    """Return the line of text in which a supervisor is told what to run, and in which folder."""
    return json.dumps(
        {
            "root": str(root),
            "airflow": str(setup.airflow),
            "project": str(setup.project),
            "project_path": str(setup.project_path),
            "python": str(setup.python),
            "secrets": {name: dict(values) for name, values in setup.secrets.items()},
            "variables": dict(setup.variables),
            "triggerer": setup.triggerer,
            "cluster": asdict(setup.cluster),
        }
    )


def load(line: str) -> tuple[Setup, Path]:
    """Return what `dump` wrote."""
    told = json.loads(line)
    setup = Setup(
        Path(told["airflow"]),
        Path(told["project"]),
        PurePosixPath(told["project_path"]),
        told["secrets"],
        told["variables"],
        told["triggerer"],
        Path(told["python"]),
        settings.load(told["cluster"]),
    )
    return setup, Path(told["root"])


class _Listener:
    """Hears what the supervisor tells: to the caller until it is ready, from then on in a thread of its own."""

    def __init__(self, supervisor: subprocess.Popen[str], log: Path, report: Report) -> None:
        self._supervisor = supervisor
        self._log = log
        self._report = report
        self._failure: str | None = None
        self._thread = threading.Thread(target=self._listen, daemon=True)

    def send(self, line: str) -> None:
        # If it is gone already, its output tells more about that than a broken pipe.
        with suppress(BrokenPipeError):
            _pipe(self._supervisor.stdin).write(f"{line}\n")
            _pipe(self._supervisor.stdin).flush()

    def wait_until_ready(self) -> dict[str, Any]:
        """Return the event that tells how to reach the sandbox; raise SandboxError if it ends instead."""
        for event in self._events():
            if event["event"] == "ready":
                self._thread.start()
                return event
            if event["event"] == "failed":
                raise SandboxError(event["text"])
        raise SandboxError(self._died())

    def check(self) -> None:
        """Raise SandboxError if the sandbox failed or its supervisor is gone."""
        over = self._supervisor.poll() is not None
        if over:
            self._thread.join()  # it may not have heard the last word yet
        if self._failure is not None or over:
            raise SandboxError(self._failure or self._died())

    def close(self) -> None:
        """Hear the rest of what a supervisor that is gone has told, and close the pipe."""
        if self._thread.is_alive():
            self._thread.join()
        _pipe(self._supervisor.stdout).close()

    def _listen(self) -> None:
        for event in self._events():
            if event["event"] == "failed":
                self._failure = event["text"]

    def _events(self) -> Iterator[dict[str, Any]]:
        for line in _pipe(self._supervisor.stdout):
            event = json.loads(line)
            if event["event"] == "progress":
                self._report(event["text"])
            else:
                yield event

    def _died(self) -> str:
        status = self._supervisor.wait()
        last = self._log.read_text(errors="replace").splitlines()[-10:] if self._log.exists() else []
        return "\n".join([f"The sandbox's supervisor ended (exit status {status}).", *(f"  {line}" for line in last)])


def _pipe(stream: IO[str] | None) -> IO[str]:
    if stream is None:
        raise ValueError("the supervisor has no pipe")
    return stream


def _end(supervisor: subprocess.Popen[str], listener: _Listener, root: Path) -> None:
    with suppress(BrokenPipeError):
        _pipe(supervisor.stdin).close()
    try:
        supervisor.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        supervisor.kill()
        supervisor.wait()
    listener.close()
    # What it should have done itself, and has not if it was killed.
    if root.exists():
        # Not at the top: without the extra, this module must import, for `install` to say what is missing.
        from kedro_airflow_k8s.sandbox.cluster import processes

        try:
            processes.sweep(root)
        except ClusterError as error:
            raise SandboxError(str(error)) from error
        image.remove(root)
