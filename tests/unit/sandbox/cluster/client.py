"""A running cluster for tests, and a client that speaks its API in plain JSON."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import aiohttp

from kedro_airflow_k8s.sandbox.cluster.image import Image
from kedro_airflow_k8s.sandbox.cluster.kubernetes import Cluster
from kedro_airflow_k8s.sandbox.cluster.settings import DEFAULT, ClusterSettings

SPACE = "/api/v1/namespaces/lab"


@dataclass(frozen=True)
class Client:
    session: aiohttp.ClientSession
    cluster: Cluster
    root: Path
    address: str

    async def ask(self, method: str, path: str, body: Any = None, **options: Any) -> tuple[int, Any]:
        """Send one request; return the status code and the JSON of the answer."""
        async with self.session.request(method, path, json=body, **options) as response:
            return response.status, await response.json()

    async def get(self, path: str, **query: Any) -> Any:
        code, body = await self.ask("GET", f"{SPACE}/{path}", params=query)
        assert code == 200, body
        return body

    async def create_pod(self, name: str, args: list[str], *, container: Any = None, **spec: Any) -> Any:
        """Create a pod whose one container has these arguments; it must be accepted."""
        code, body = await self.ask("POST", f"{SPACE}/pods", pod(name, args, container=container, **spec))
        assert code == 201, body
        return body

    async def create_claim(self, name: str, **spec: Any) -> Path:
        """Create a claim; return its folder."""
        code, body = await self.ask("POST", f"{SPACE}/persistentvolumeclaims", claim(name, **spec))
        assert code == 201, body
        return self.root / "claims" / "lab" / name

    async def run_pod(self, name: str, args: list[str], **options: Any) -> Any:
        """Create a pod and wait for its end."""
        await self.create_pod(name, args, **options)
        return await self.reach(name, "Succeeded", "Failed")

    async def reach(self, name: str, *phases: str) -> Any:
        """Wait until a pod is in one of these phases."""
        async with asyncio.timeout(10) if sys.version_info >= (3, 11) else _nothing():
            while (found := await self.get(f"pods/{name}"))["status"]["phase"] not in phases:
                await asyncio.sleep(0.02)
        return found

    async def wait_for(self, path: str, code: int) -> Any:
        """Ask until the answer has this status code."""
        for _ in range(500):
            got, body = await self.ask("GET", f"{SPACE}/{path}")
            if got == code:
                return body
            await asyncio.sleep(0.02)
        raise AssertionError(f"{path}: {got}, not {code}")

    async def log(self, name: str, **query: Any) -> bytes:
        async with self.session.get(f"{SPACE}/pods/{name}/log", params=query) as response:
            body = await response.read()
            assert response.status == 200, body
            return body

    async def log_if_any(self, name: str) -> bytes:
        """Return what a pod has printed, nothing if it has not started."""
        async with self.session.get(f"{SPACE}/pods/{name}/log") as response:
            return await response.read() if response.status == 200 else b""

    async def watch(self, path: str) -> aiohttp.ClientResponse:
        """Watch a resource from now on; to be read with `changes`."""
        version = (await self.get(path))["metadata"]["resourceVersion"]
        return await self.session.get(f"{SPACE}/{path}?watch=true&resourceVersion={version}")

    async def told(self, name: str, *reasons: str) -> list[tuple[str, str, str]]:
        """Wait until an object has each of these events; return type, reason and message of all it has."""
        for _ in range(500):
            query = {"fieldSelector": f"involvedObject.name={name}"}
            found = [(e["type"], e["reason"], e["message"]) for e in (await self.get("events", **query))["items"]]
            if set(reasons) <= {reason for _, reason, _ in found}:
                return found
            await asyncio.sleep(0.02)
        raise AssertionError(f"{name}: {found}, without {reasons}")

    async def waiting(self, name: str, reason: str) -> Any:
        """Wait until the first container of a pod waits for this reason; return its `waiting`."""
        for _ in range(500):
            status = (await self.get(f"pods/{name}"))["status"]
            found = (status.get("containerStatuses") or [{"state": {}}])[0]["state"].get("waiting", {})
            if found.get("reason") == reason:
                return found
            await asyncio.sleep(0.02)
        raise AssertionError(f"{name}: {found}, not {reason}")

    async def events(self, name: str) -> list[tuple[str, str]]:
        """Return reason and message of each event of a pod."""
        found = await self.get("events", fieldSelector=f"involvedObject.name={name}")
        return [(item["reason"], item["message"]) for item in found["items"]]


@asynccontextmanager
async def running(
    folder: Path,
    *,
    files: Mapping[str, str] | None = None,
    secrets: Mapping[str, Mapping[str, str]] | None = None,
    token: str | None = None,
    settings: ClusterSettings = DEFAULT,
    python: Path = Path(sys.executable),
) -> AsyncIterator[Client]:
    """Run a cluster whose image holds these files, and stop it at the end; nothing of it may be left then."""
    project = folder / "project"
    project.mkdir()
    for name, text in (files or {}).items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(text, encoding="utf-8")
    image = Image(project, PurePosixPath("/home/kedro_docker"), python)
    root = (folder / "cluster").resolve()
    cluster = Cluster(image=image, root=root, secrets=secrets or {}, token=token, settings=settings)
    before = asyncio.all_tasks()
    address = await cluster.start()
    try:
        async with aiohttp.ClientSession(address) as session:
            yield Client(session, cluster, root, address)
    finally:
        await cluster.stop()
        await asyncio.sleep(0)
        left = {task for task in asyncio.all_tasks() - before if not task.done()}
        assert not left, left


def pod(name: str, args: Any, *, container: Any = None, labels: Any = None, **spec: Any) -> Any:
    """Write a pod as the provider does."""
    base = {"name": "base", "image": "registry.example.com/demo:1", "args": args, **(container or {})}
    metadata = {"name": name, **({"labels": labels} if labels else {})}
    return {"metadata": metadata, "spec": {"restartPolicy": "Never", "containers": [base], **spec}}


def claim(name: str, **options: Any) -> Any:
    """Write a claim of one gibibyte."""
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}, **options}
    return {"metadata": {"name": name}, "spec": spec}


def mounted(name: str, path: str, **mount: Any) -> dict[str, Any]:
    """Return the options of `create_pod` that mount a claim."""
    volumes = [{"name": "data", "persistentVolumeClaim": {"claimName": name}}]
    return {"volumes": volumes, "container": {"volumeMounts": [{"name": "data", "mountPath": path, **mount}]}}


def python(code: str) -> list[str]:
    """Return the arguments that run some Python in a pod."""
    return ["python", "-c", code]


async def changes(response: aiohttp.ClientResponse, count: int | None = None) -> list[Any]:
    """Read a watch up to a deletion, to its end, or so many changes."""
    found: list[Any] = []
    while (count is None or len(found) < count) and (line := await response.content.readline()):
        found.append(json.loads(line))
        if found[-1]["type"] == "DELETED":
            break
    return found


@asynccontextmanager
async def _nothing() -> AsyncIterator[None]:
    yield
