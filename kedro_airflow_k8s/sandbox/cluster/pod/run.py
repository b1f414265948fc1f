"""The life of one pod, from Pending to its end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from kedro_airflow_k8s.sandbox.cluster.image import Abandoned
from kedro_airflow_k8s.sandbox.cluster.objects.refusal import Json
from kedro_airflow_k8s.sandbox.cluster.pod import container, limits, logfile, states, volumes
from kedro_airflow_k8s.sandbox.cluster.pod.container import Container
from kedro_airflow_k8s.sandbox.cluster.pod.environment import ConfigError, variables
from kedro_airflow_k8s.sandbox.cluster.pod.logfile import Log
from kedro_airflow_k8s.sandbox.cluster.pod.node import ClusterNode
from kedro_airflow_k8s.sandbox.cluster.pod.process import StartError
from kedro_airflow_k8s.sandbox.cluster.pod.pull import Pull
from kedro_airflow_k8s.sandbox.cluster.pod.status import PodStatus

logger = logging.getLogger(__name__)


class PodRun:
    """One pod that runs, or waits to; `over` is set when all of its processes have ended."""

    def __init__(self, pod: Json, node: ClusterNode, ended: Callable[[], None]) -> None:
        self.pod = pod
        self.containers: dict[str, Container] = {}
        self.over = False
        self.folder: Path = node.root / "pods" / pod["metadata"]["uid"]
        # Short, for the names of sockets below it: a system allows them about a hundred characters.
        self.scratch = node.root / "tmp" / pod["metadata"]["uid"][:8]
        self._node = node
        self._ended = ended
        self._ending = asyncio.Event()
        self._timers: list[asyncio.TimerHandle] = []
        self._killing = False
        self._status = PodStatus(node.store, pod)
        self.task = asyncio.create_task(self._live())

    def reason(self, name: str) -> str:
        """Return why a container has not started."""
        return str(self._status.of(name).get("waiting", {}).get("reason", ""))

    def end(self, grace: float) -> None:
        """Ask every process to end, and kill what is left after `grace` seconds; a shorter time than before counts."""
        self._ending.set()
        self._node.store.wake()
        for name, item in self.containers.items():
            if "running" in self._status.of(name):
                self._status.tell("Killing", f"Stopping container {name}", container=name)
                if grace > 0:
                    item.ask_to_end()
        if grace > 0:
            self._timers.append(asyncio.get_running_loop().call_later(grace, self._kill))
        else:
            self._kill()

    def _kill(self) -> None:
        self._killing = True
        for item in self.containers.values():
            item.kill()

    async def _live(self) -> None:
        try:
            if await self._schedule():
                found = await self._mount()
                if found is not None:
                    await self._run_all(found)
        except Exception as error:
            # Nothing else would tell: a pod of the sandbox must not hang because of a defect or a full disk.
            logger.exception("pod %s failed in the sandbox", self.pod["metadata"]["name"])
            self._status.tell("Failed", f"Error: {error}", warning=True)
            self._status.failure = {"reason": "ClusterError", "message": str(error)}
        finally:
            for timer in self._timers:
                timer.cancel()
            self.over = True
            if "nodeName" in self.pod["spec"]:
                self._status.publish(over=True)
            self._ended()

    async def _schedule(self) -> bool:
        """Wait until the node can take the pod, claims included; return whether the pod was given it."""
        told = None
        while not self._ending.is_set():
            message = self._node.scheduler.problem(self.pod)
            if message is None and self._node.scheduler.bind(self.pod):
                self._status.schedule()
                self._set_deadline()
                return True
            if message not in (None, told):
                told = message
                self._status.refuse(str(message))
            await self._node.store.changed()
        return False

    def _set_deadline(self) -> None:
        seconds = self.pod["spec"].get("activeDeadlineSeconds")
        if seconds is not None:
            self._timers.append(asyncio.get_running_loop().call_later(seconds, self._exceed))

    def _exceed(self) -> None:
        message = "Pod was active on the node longer than the specified deadline"
        self._status.failure = {"reason": "DeadlineExceeded", "message": message}
        self._status.tell("DeadlineExceeded", message)
        self.end(self.pod["spec"]["terminationGracePeriodSeconds"])

    def _evict(self, message: str) -> None:
        self._status.failure = {"reason": "Evicted", "message": message}
        self._status.tell("Evicted", message, warning=True)
        self.end(0)

    async def _mount(self) -> dict[str, Path] | None:
        """Return the folder of each volume; with one that cannot be mounted wait for the pod's end, and return None."""
        namespace = self.pod["metadata"]["namespace"]

        def claim_folder(name: str) -> Path:
            return self._node.claims.folder(namespace, name)

        try:
            return volumes.prepare(self.pod, self.folder / "volumes", self._node.secrets, claim_folder)
        except ConfigError as error:
            self._status.tell("FailedMount", str(error), warning=True)
            self._status.publish()
            await self._ending.wait()
            return None

    async def _run_all(self, found: dict[str, Path]) -> None:
        spec = self.pod["spec"]
        for item in spec.get("initContainers", []):
            await self._run(item, found)
            if self._status.of(item["name"]).get("terminated", {}).get("exitCode") != 0:
                return
        runs = [asyncio.create_task(self._run(item, found)) for item in spec["containers"]]
        disk = asyncio.create_task(limits.watch_disk(spec, (self.folder, self.scratch), self._evict))
        try:
            await asyncio.gather(*runs)
        except BaseException:
            # The others would go on without anybody to end them.
            self.end(0)
            await asyncio.wait(runs)
            raise
        finally:
            await _cancel(disk)

    async def _run(self, spec: Json, found: dict[str, Path]) -> None:
        """Run one container to its end; one that cannot be created waits for the pod's end."""
        name = spec["name"]
        if self._ending.is_set() or not await self._unless_ended(self._pull(name).get(spec)):
            return
        try:
            values = variables(spec, self.pod, self._node.secrets, self._skipped)
        except ConfigError as error:
            self._status.tell("Failed", f"Error: {error}", warning=True, container=name)
            self._wait(name, "CreateContainerConfigError", str(error))
            await self._ending.wait()
            return
        log = Log(self._file("logs", name))
        try:
            item = await self._create(spec, found, values, log)
            if not self._ending.is_set():
                await item.start()
                await self._see_out(spec, item)
        except Abandoned:
            logger.debug("container %s was ended while its files were copied", name)
        except StartError as error:
            self._status.set(name, states.not_started(str(error), states.container_id(self.pod, spec)))
            self._status.tell("Failed", f"Error: {error}", warning=True, container=name)
        finally:
            log.close()
            self._status.publish()

    async def _create(self, spec: Json, found: dict[str, Path], values: dict[str, str], log: Log) -> Container:
        node, name = self._node, spec["name"]
        files = container.find_filesystem(spec, node.image, self._file("root", name), self.scratch / name)
        await asyncio.to_thread(container.lay_out, spec, node.built, files, found, self._ending.is_set)
        self.containers[name] = Container(spec, self.pod, values, node.image, files, log)
        self._status.tell("Created", f"Created container: {name}", container=name)
        return self.containers[name]

    async def _see_out(self, spec: Json, item: Container) -> None:
        name = spec["name"]
        self._status.set(name, states.running())
        self._status.tell("Started", f"Started container {name}", container=name)
        self._status.publish()
        # What was to be ended while it was being started has not been told yet.
        if self._killing:
            item.kill()
        elif self._ending.is_set():
            item.ask_to_end()
        watching = asyncio.create_task(limits.watch_memory(spec, item.pid, item.kill_for_memory))
        try:
            code = await item.wait()
        finally:
            await _cancel(watching)
        fall_back = code and spec.get("terminationMessagePolicy") == "FallbackToLogsOnError"
        message = logfile.last(item.log) if fall_back else ""
        identity = states.container_id(self.pod, spec)
        ended = states.terminated(self._status.of(name), code, identity, message, out_of_memory=item.out_of_memory)
        self._status.set(name, ended)

    def _wait(self, name: str, reason: str, message: str) -> None:
        self._status.set(name, states.waiting(reason, message))
        self._status.publish()

    def _pull(self, name: str) -> Pull:
        def wait(reason: str, message: str) -> None:
            self._wait(name, reason, message)

        def tell(reason: str, message: str, warning: bool) -> None:
            self._status.tell(reason, message, warning=warning, container=name)

        return Pull(self._node.images, wait, tell)

    async def _unless_ended(self, action: Coroutine[Any, Any, None]) -> bool:
        """Do something to its end, unless the pod is to end before; return whether it was done."""
        ending = asyncio.create_task(self._ending.wait())
        doing = asyncio.create_task(action)
        await asyncio.wait({ending, doing}, return_when=asyncio.FIRST_COMPLETED)
        done = doing.done()
        await _cancel(ending)
        await _cancel(doing)
        return done

    def _file(self, kind: str, name: str) -> Path:
        folder = self.folder / kind
        folder.mkdir(parents=True, exist_ok=True)
        return folder / name

    def _skipped(self, message: str) -> None:
        self._status.tell("InvalidEnvironmentVariableNames", message, warning=True)


async def _cancel(task: asyncio.Task[Any]) -> None:
    """Cancel a task, wait for its end, and raise what it raised, if it did."""
    task.cancel()
    await asyncio.wait({task})
    if not task.cancelled():
        task.result()
