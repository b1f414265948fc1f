"""The Python environments that hold a real Airflow: made once per release with uv, in the user's cache folder."""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from semver import VersionInfo as Version

from kedro_airflow_k8s.errors import SandboxError
from kedro_airflow_k8s.model import Report
from kedro_airflow_k8s.sandbox.airflow import database, janitor


@dataclass(frozen=True)
class Release:
    """A release of Airflow: the Pythons it runs on and the day its dependencies are taken from.

    Airflow leaves its dependencies open, and a later FastAPI breaks Airflow 3.0: as of that day they fit each other.
    """

    version: str
    before_python: tuple[int, int]
    uploaded_until: str | None

    @property
    def pythons(self) -> str:
        """The supported Pythons, as a version specifier."""
        return ">={}.{},<{}.{}".format(*OLDEST_PYTHON, *self.before_python)


OLDEST_PYTHON = (3, 10)
RELEASES = {
    "2.11": Release("2.11.2", before_python=(3, 13), uploaded_until="2026-11-20"),
    "3.0": Release("3.0.6", before_python=(3, 13), uploaded_until="2025-09-01"),
    "3.1": Release("3.1.8", before_python=(3, 14), uploaded_until="2026-03-13"),
    "3.2": Release("3.2.2", before_python=(3, 15), uploaded_until="2026-05-31"),
    "3.3": Release("3.3.2", before_python=(3, 15), uploaded_until="2026-11-20"),
}
EXTRA = "pip install 'kedro-airflow-k8s[sandbox]'"
UNDATED = "is missing an upload date"
# To be raised when the same requirements should make another environment than before.
RECIPE = 1


def ensure(version: str | None, report: Report) -> Path:
    """Return the Python of an environment that has that Airflow, made on first use.

    `version` is such as `3.3` or `3.3.2`, or None for the newest; `report` receives lines of progress. Several
    processes may ask for the same one at once. Raise SandboxError if it is not supported, or cannot be installed.
    """
    release = choose(version)
    require_extra()
    uv = find_uv()
    interpreter, minor = find_python(uv, release)
    requirements = (f"apache-airflow=={release.version}", "apache-airflow-providers-cncf-kubernetes")
    recipe = json.dumps([RECIPE, requirements, release.uploaded_until])
    digest = hashlib.sha256(recipe.encode()).hexdigest()[:8]
    folder = cache_folder() / f"airflow-{release.version}-py{minor}-{digest}"
    python, complete = folder / "bin" / "python", folder / ".complete"
    if complete.exists() and python.exists():
        return python

    with locked(folder.with_name(f"{folder.name}.lock"), report) as lock:
        # Both again: another process may have made it meanwhile. A Python that is gone leaves a dangling link.
        if complete.exists() and python.exists():
            return python
        report(f"Installing Airflow {release.version} for Python {minor} into {folder}, this once")
        shutil.rmtree(folder, ignore_errors=True)
        with janitor.cleaned_up(folder, lock) as work:
            uv_here = Uv(uv, work, lock, report)
            uv_here.run("venv", "--no-project", "--python", interpreter, str(folder))
            uv_here.install(python, requirements, release.uploaded_until)
            report("Preparing Airflow's database, this once")
            asyncio.run(database.make(python, folder / database.TEMPLATE, work))
            complete.touch()
    return python


def choose(version: str | None) -> Release:
    """Return the release that a user's `--airflow-version` means."""
    newest = max(RELEASES, key=lambda minor: tuple(map(int, minor.split("."))))
    wanted = newest if version is None else version
    if wanted in RELEASES:
        return RELEASES[wanted]
    # Of semver only what its releases 2 and 3 share: kedro-docker needs the older one.
    if (
        not re.fullmatch(r"\d+\.\d+\.\d+", wanted, re.ASCII)
        or (tested := RELEASES.get(wanted.rpartition(".")[0])) is None
    ):
        raise SandboxError(
            f"Airflow {wanted} cannot be run by the sandbox; give one of {', '.join(RELEASES)}, or a release of these."
        )
    # A release after the tested one was uploaded after its day; of older ones the later dependencies are close enough.
    newer = Version.parse(wanted) > Version.parse(tested.version)
    return Release(wanted, tested.before_python, None if newer else tested.uploaded_until)


def cache_folder() -> Path:
    """Return the folder in which environments are kept; not necessarily there yet."""
    if own := os.environ.get("KEDRO_AIRFLOW_K8S_CACHE"):
        return Path(own).expanduser().absolute()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache").absolute() / "kedro-airflow-k8s"


def require_extra() -> None:
    """Raise SandboxError if the libraries are missing that only the sandbox needs."""
    if missing := [name for name in ("aiohttp", "psutil") if importlib.util.find_spec(name) is None]:
        raise SandboxError(f"The sandbox needs {' and '.join(missing)}: {EXTRA}")


def find_uv() -> str:
    """Return the path of the uv that came with the extra, or else of the one on the PATH."""
    try:
        from uv import find_uv_bin

        return str(find_uv_bin())
    except (ImportError, FileNotFoundError):
        if found := shutil.which("uv"):
            return found
    raise SandboxError(f"The sandbox installs Airflow with uv, which is not here: {EXTRA}")


def find_python(uv: str, release: Release) -> tuple[str, str]:
    """Return an interpreter that this Airflow supports, and its `3.x`: this one if it is, else one uv finds."""
    if OLDEST_PYTHON <= sys.version_info[:2] < release.before_python:
        return sys.executable, "{}.{}".format(*sys.version_info)
    found = _output([uv, "python", "find", "--no-project", release.pythons])
    if found is None or (minor := _output([found, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"])) is None:
        raise SandboxError(
            f"Airflow {release.version} needs a Python {release.pythons}, and uv finds none on this machine; "
            f"install one, for example with `uv python install {OLDEST_PYTHON[0]}.{release.before_python[1] - 1}`."
        )
    return found, minor


def _output(command: Sequence[str]) -> str | None:
    done = subprocess.run(  # noqa: S603
        command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False
    )
    return done.stdout.strip() if done.returncode == 0 else None


@contextmanager
def locked(path: Path, report: Report) -> Iterator[int]:
    """Hold the lock of that file, waiting for another process that does; give its descriptor."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise SandboxError(
            f"{path.parent}: Airflow cannot be kept there ({error.strerror}); "
            "set KEDRO_AIRFLOW_K8S_CACHE to a folder that can be written to."
        ) from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            report("Waiting for another process that is installing the same Airflow")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)


@dataclass(frozen=True)
class Uv:
    """uv, working in a folder of the cache, so that a project's own settings do not shape Airflow's environment.

    It shares the lock, so that nobody else starts while it still writes although the one who started it was killed.
    """

    path: str
    work: Path
    lock: int
    report: Report

    def install(self, python: Path, requirements: Sequence[str], until: str | None) -> None:
        """Install the requirements as of that day; or as of today where the package index does not tell days."""
        command = ["pip", "install", "--python", str(python), "--compile-bytecode", *requirements]
        if until is None:
            self.run(*command)
            return
        try:
            self.run(*command, "--exclude-newer", until)
        except SandboxError as error:
            if UNDATED not in str(error):
                raise
            self.report(
                f"The package index has no upload dates: installing today's packages instead of those of {until}"
            )
            self.run(*command)

    def run(self, *arguments: str) -> None:
        """Run uv, reporting what it did; raise SandboxError with its last lines if it fails."""
        lines: list[str] = []
        with subprocess.Popen(  # noqa: S603
            [self.path, *arguments],
            cwd=self.work,
            env={**os.environ, "NO_COLOR": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            pass_fds=(self.lock,),
        ) as process:
            for line in process.stderr or ():
                lines.append(line.rstrip())
                if re.match(r"(Resolved|Prepared|Installed|Bytecode compiled) ", line):
                    self.report(f"  {line.strip()}")
        if process.returncode != 0:
            undated = [line for line in lines if UNDATED in line][:1]
            last = "\n".join(f"  {line}" for line in [*undated, *[line for line in lines if line][-15:]])
            raise SandboxError(
                f"`{' '.join(['uv', *arguments])}` failed with exit status {process.returncode}; see that the package "
                f"index can be reached (UV_DEFAULT_INDEX names another), then try again:\n{last}"
            )
