"""A real Airflow in a folder of its own: started, watched and stopped."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import re
import secrets
import shutil
import socket
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from kedro_airflow_k8s.errors import SandboxError
from kedro_airflow_k8s.sandbox.airflow import database, settings
from kedro_airflow_k8s.sandbox.airflow.settings import AirflowFolder
from kedro_airflow_k8s.sandbox.cluster import processes

# What each Airflow consists of, its web server first. That reads the log files itself: nobody needs to serve them.
COMPONENTS = {
    2: {"webserver": ("webserver",), "scheduler": ("scheduler", "--skip-serve-logs")},
    3: {
        "api-server": ("api-server",),
        "scheduler": ("scheduler", "--skip-serve-logs"),
        "dag-processor": ("dag-processor",),
    },
}
TRIGGERER = {"triggerer": ("triggerer", "--skip-serve-logs")}
# A port is free when it is asked for, but may be taken by another process before Airflow binds it.
ATTEMPTS = 3
TAKEN = re.compile("address already in use|connection in use", re.IGNORECASE)


class PortTaken(SandboxError):
    """Another process took the port before Airflow's web server could."""


@dataclass(frozen=True)
class Component:
    """One of Airflow's processes, and the file it writes its output to."""

    name: str
    process: asyncio.subprocess.Process
    log: Path


class AirflowServer:
    """One Airflow: SQLite, local executor, loopback only, a user and a password made for it."""

    def __init__(
        self,
        python: Path,
        root: Path,
        *,
        cluster: str,
        token: str,
        variables: Mapping[str, str] | None = None,
        triggerer: bool = False,
        parallelism: int = 4,
    ) -> None:
        """Describe it: all that it writes is below `root`, and Kubernetes at the address `cluster` asks for `token`."""
        self.folder = AirflowFolder(root)
        self.username = settings.USERNAME
        self.password = secrets.token_urlsafe(16)
        self.url = ""
        self._python = python
        self.version = settings.version(python)
        self._major = settings.major(self.version)
        self._cluster = cluster
        self._token = token
        self._variables = dict(variables or {})
        self._commands = {**COMPONENTS[self._major], **(TRIGGERER if triggerer else {})}
        self._parallelism = parallelism
        self._keys = settings.keys()
        self._components: list[Component] = []

    async def start(self, seconds: float = 180) -> None:
        """Start it, and return when it is healthy and lets the user in.

        Raise SandboxError with the last lines of what went wrong, or if it takes longer than that.
        """
        await self._prepare()
        for attempt in range(1, ATTEMPTS + 1):
            try:
                await self._start_on(free_port(), seconds)
                return
            except PortTaken:
                await self.stop()
                if attempt == ATTEMPTS:
                    raise

    async def watch(self) -> None:
        """Wait until one of its components ends by itself, and raise SandboxError with its last lines."""
        while True:
            self._check()
            await asyncio.sleep(0.5)

    async def stop(self, seconds: float = 5) -> None:
        """End all its processes, descendants included.

        They are killed: asked to end, Airflow takes up to 12 s to leave its folder in an order that nobody will see.
        """
        deadline = asyncio.get_running_loop().time() + seconds
        while left := processes.residents(self.folder.root):
            if asyncio.get_running_loop().time() > deadline:
                raise SandboxError(
                    f"Airflow's processes {[process.pid for process in left]} do not end; end them by `kill -9`."
                )
            processes.kill(left)
            await asyncio.sleep(0.05)
        for component in self._components:
            with suppress(ProcessLookupError):
                component.process.kill()
            await component.process.wait()
        self._components.clear()

    async def _prepare(self) -> None:
        self.folder.lay_out()
        template = self._python.parent.parent / database.TEMPLATE
        if template.exists():
            shutil.copyfile(template, self.folder.database)
        else:
            await database.make(self._python, self.folder.database)
        database.add_variables(self.folder.database, self._variables)
        write(self.folder.kubeconfig, settings.kubeconfig(self._cluster, self._token))
        if self._major == 2:
            database.set_password(self.folder.database, self.password)
        else:
            write(self.folder.passwords, json.dumps({self.username: self.password}))

    async def _start_on(self, port: int, seconds: float) -> None:
        self.url = settings.url(port)
        own = settings.airflow2(port) if self._major == 2 else settings.airflow3(port, self.folder)
        common = settings.common(self.folder, self._parallelism)
        environment = {**settings.base(self._python, self.folder), **self._keys, **common, **own}
        for name, arguments in self._commands.items():
            self._components.append(await self._start_component(name, arguments, environment))
        try:
            await asyncio.wait_for(self._ready(), seconds)
        except asyncio.TimeoutError:
            raise SandboxError(f"Airflow did not start within {seconds:.0f} s; {self._last_lines()}") from None

    async def _start_component(self, name: str, arguments: tuple[str, ...], environment: dict[str, str]) -> Component:
        log = self.folder.logs / f"{name}.log"
        with log.open("wb") as output:
            process = await asyncio.create_subprocess_exec(
                str(self._python.parent / "airflow"),
                *arguments,
                cwd=self.folder.root,
                env=environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=asyncio.subprocess.STDOUT,
            )
        return Component(name, process, log)

    async def _ready(self) -> None:
        web = self._components[0]
        async with aiohttp.ClientSession(self.url, timeout=aiohttp.ClientTimeout(total=5)) as session:
            while not await self._healthy(session):
                if TAKEN.search(read(web.log)):
                    raise PortTaken(f"Airflow's {web.name} could not have its port; {self._last_lines(web)}")
                self._check()
                await asyncio.sleep(0.1)
            await self._log_in(session)
        self._check()

    async def _healthy(self, session: aiohttp.ClientSession) -> bool:
        needed = {"metadatabase", "scheduler"}
        needed |= {name.replace("-", "_") for name in self._commands if name in ("dag-processor", "triggerer")}
        try:
            async with session.get("/health" if self._major == 2 else "/api/v2/monitor/health") as response:
                health: Any = await response.json()
            return all(health[name]["status"] == "healthy" for name in needed)
        except (aiohttp.ClientError, asyncio.TimeoutError, ValueError, LookupError, TypeError):
            return False  # not up yet, or another program's answer

    async def _log_in(self, session: aiohttp.ClientSession) -> None:
        if self._major == 2:
            credentials = base64.b64encode(f"{self.username}:{self.password}".encode()).decode()
            request = session.get("/api/v1/dags", headers={"Authorization": f"Basic {credentials}"})
        else:
            request = session.post("/auth/token", json={"username": self.username, "password": self.password})
        async with request as response:
            if response.status in (401, 403):
                # Healthy, but it does not know the user that was made for it: another Airflow was quicker.
                raise PortTaken(f"At {self.url} answers an Airflow that is not the sandbox's; try again.")
            response.raise_for_status()

    def _check(self) -> None:
        for component in self._components:
            if (status := component.process.returncode) is not None:
                raise SandboxError(
                    f"Airflow's {component.name} ended (exit status {status}); {self._last_lines(component)}"
                )

    def _last_lines(self, *components: Component) -> str:
        chosen = components or self._components
        parts = (f"the last lines of {part.name}:\n{database.last_lines(read(part.log))}" for part in chosen)
        return "\n".join(parts)


def free_port() -> int:
    """Return a port of loopback that was free just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def write(file: Path, text: str) -> None:
    """Write a file that only this user can read."""
    with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as output:
        output.write(text)


def read(log: Path) -> str:
    """Return the end of a log, as much as anyone would want to see."""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 16_384))
        return file.read().decode(errors="replace")
