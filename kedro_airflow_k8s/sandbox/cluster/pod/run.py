"""The life of one pod, from Pending to its end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

from kedro_airflow_k8s.sandbox.cluster.control.claims import claim_names
from kedro_airflow_k8s.sandbox.cluster.image import Abandoned
from kedro_airflow_k8s.sandbox.cluster.objects import names
from kedro_airflow_k8s.sandbox.cluster.objects.events import tell
from kedro_airflow_k8s.sandbox.cluster.objects.node import ADDRESS, NODE
from kedro_airflow_k8s.sandbox.cluster.objects.refusal import Json
from kedro_airflow_k8s.sandbox.cluster.objects.store import now
from kedro_airflow_k8s.sandbox.cluster.pod import container, logfile, states, volumes
from kedro_airflow_k8s.sandbox.cluster.pod.container import Container
from kedro_airflow_k8s.sandbox.cluster.pod.environment import ConfigError, variables
from kedro_airflow_k8s.sandbox.cluster.pod.logfile import Log
from kedro_airflow_k8s.sandbox.cluster.pod.node import ClusterNode
from kedro_airflow_k8s.sandbox.cluster.pod.process import StartError

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
        self._failure: Json = {}
        self._timers: list[asyncio.TimerHandle] = []
        self._killing = False
        spec = pod["spec"]
        first = states.waiting("PodInitializing" if spec.get("initContainers") else "ContainerCreating")
        self._states = {item["name"]: first for item in spec.get("initContainers", []) + spec["containers"]}
        self.task = asyncio.create_task(self._live())

    def reason(self, name: str) -> str:
        """Return why a container has not started."""
        return str(self._states[name].get("waiting", {}).get("reason", ""))

    def end(self, grace: float) -> None:
        """Ask every process to end, and kill what is left after `grace` seconds; a shorter time than before counts."""
        self._ending.set()
        self._node.store.wake()
        for name, item in self.containers.items():
            if "running" in self._states[name]:
                self._tell("Killing", f"Stopping container {name}", container=name)
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
            self._tell("Failed", f"Error: {error}", warning=True)
            self._failure = {"reason": "ClusterError", "message": str(error)}
        finally:
            for timer in self._timers:
                timer.cancel()
            self.over = True
            if "nodeName" in self.pod["spec"]:
                self._publish()
            self._ended()

    async def _schedule(self) -> bool:
        """Wait for the claims; return whether the pod was given a node."""
        metadata, told = self.pod["metadata"], ""
        while not self._ending.is_set():
            wanted = claim_names(self.pod)
            problems = [self._node.claims.problem(metadata["namespace"], name) for name in wanted]
            problem = next((text for text in problems if text), None)
            if problem is None:
                self.pod["spec"]["nodeName"] = NODE
                addresses = {"hostIP": ADDRESS, "hostIPs": [{"ip": ADDRESS}], "startTime": now()}
                self.pod["status"].update(addresses)
                self._tell("Scheduled", f"Successfully assigned {metadata['namespace']}/{metadata['name']} to {NODE}")
                self._publish()
                self._set_deadline()
                return True
            if problem != told:
                told = problem
                message = f"0/1 nodes are available: {problem}."
                self.pod["status"]["conditions"] = [states.unschedulable(message)]
                self._tell("FailedScheduling", message, warning=True)
                self._save()
            await self._node.store.changed()
        return False

    def _set_deadline(self) -> None:
        seconds = self.pod["spec"].get("activeDeadlineSeconds")
        if seconds is not None:
            self._timers.append(asyncio.get_running_loop().call_later(seconds, self._exceed))

    def _exceed(self) -> None:
        message = "Pod was active on the node longer than the specified deadline"
        self._failure = {"reason": "DeadlineExceeded", "message": message}
        self._tell("DeadlineExceeded", message)
        self.end(self.pod["spec"].get("terminationGracePeriodSeconds", 30))

    async def _mount(self) -> dict[str, Path] | None:
        """Return the folder of each volume; with one that cannot be mounted wait for the pod's end, and return None."""
        namespace = self.pod["metadata"]["namespace"]

        def claim_folder(name: str) -> Path:
            return self._node.claims.folder(namespace, name)

        try:
            return volumes.prepare(self.pod, self.folder / "volumes", self._node.secrets, claim_folder)
        except ConfigError as error:
            self._tell("FailedMount", str(error), warning=True)
            await self._ending.wait()
            return None

    async def _run_all(self, found: dict[str, Path]) -> None:
        spec = self.pod["spec"]
        for item in spec.get("initContainers", []):
            await self._run(item, found)
            if self._states[item["name"]].get("terminated", {}).get("exitCode") != 0:
                return
        runs = [asyncio.create_task(self._run(item, found)) for item in spec["containers"]]
        try:
            await asyncio.gather(*runs)
        except BaseException:
            # The others would go on without anybody to end them.
            self.end(0)
            await asyncio.wait(runs)
            raise

    async def _run(self, spec: Json, found: dict[str, Path]) -> None:
        """Run one container to its end; one that cannot be created waits for the pod's end."""
        name, image = spec["name"], spec["image"]
        if self._ending.is_set():
            return
        if not names.is_image(image):
            why = f'couldn\'t parse image name "{image}": invalid reference format'
            await self._stay(name, "InvalidImageName", f'Failed to apply default image tag "{image}": {why}')
            return
        self._tell("Pulled", f'Container image "{image}" already present on machine', container=name)
        try:
            values = variables(spec, self.pod, self._node.secrets, self._skipped)
        except ConfigError as error:
            await self._stay(name, "CreateContainerConfigError", str(error))
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
            self._states[name] = states.not_started(str(error), states.container_id(self.pod, spec))
            self._tell("Failed", f"Error: {error}", warning=True, container=name)
        finally:
            log.close()
            self._publish()

    async def _create(self, spec: Json, found: dict[str, Path], values: dict[str, str], log: Log) -> Container:
        node, name = self._node, spec["name"]
        files = container.find_filesystem(spec, node.image, self._file("root", name), self.scratch / name)
        await asyncio.to_thread(container.lay_out, spec, node.built, files, found, self._ending.is_set)
        self.containers[name] = Container(spec, self.pod, values, node.image, files, log)
        self._tell("Created", f"Created container: {name}", container=name)
        return self.containers[name]

    async def _see_out(self, spec: Json, item: Container) -> None:
        name = spec["name"]
        self._states[name] = states.running()
        self._tell("Started", f"Started container {name}", container=name)
        self._publish()
        # What was to be ended while it was being started has not been told yet.
        if self._killing:
            item.kill()
        elif self._ending.is_set():
            item.ask_to_end()
        code = await item.wait()
        fall_back = code and spec.get("terminationMessagePolicy") == "FallbackToLogsOnError"
        message = logfile.last(item.log) if fall_back else ""
        identity = states.container_id(self.pod, spec)
        self._states[name] = states.terminated(self._states[name], code, identity, message)

    async def _stay(self, name: str, reason: str, message: str) -> None:
        self._states[name] = states.waiting(reason, message)
        self._tell("Failed", f"Error: {message}", warning=True, container=name)
        self._publish()
        await self._ending.wait()

    def _file(self, kind: str, name: str) -> Path:
        folder = self.folder / kind
        folder.mkdir(parents=True, exist_ok=True)
        return folder / name

    def _skipped(self, message: str) -> None:
        self._tell("InvalidEnvironmentVariableNames", message, warning=True)

    def _tell(self, reason: str, message: str, *, warning: bool = False, container: str = "") -> None:
        tell(self._node.store, self.pod, reason, message, warning=warning, container=container)

    def _publish(self) -> None:
        """Work the status out anew, and make it known."""
        spec, status = self.pod["spec"], self.pod["status"]
        for key, kind in (("initContainerStatuses", "initContainers"), ("containerStatuses", "containers")):
            found = [states.of_container(self.pod, item, self._states[item["name"]]) for item in spec.get(kind, [])]
            if found:
                status[key] = found
        status["phase"] = states.phase(spec, self._states)
        status["conditions"] = states.conditions(spec, self._states, status.get("conditions", []))
        if "running" in self._states[spec["containers"][0]["name"]]:
            status.update(podIP=ADDRESS, podIPs=[{"ip": ADDRESS}])
        if self._failure and (self.over or status["phase"] in ("Succeeded", "Failed")):
            status.update(self._failure, phase="Failed")
        self._save()

    def _save(self) -> None:
        # A pod deleted with no grace is forgotten before its processes have ended.
        metadata = self.pod["metadata"]
        if self._node.store.find("pods", metadata["namespace"], metadata["name"]) is self.pod:
            self._node.store.save("pods", self.pod)
