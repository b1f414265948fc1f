"""The status of one pod in the store, kept up to date as its containers change."""

from __future__ import annotations

from kedro_airflow_k8s.sandbox.cluster.objects.events import tell
from kedro_airflow_k8s.sandbox.cluster.objects.node import ADDRESS, NODE
from kedro_airflow_k8s.sandbox.cluster.objects.refusal import Json
from kedro_airflow_k8s.sandbox.cluster.objects.store import Store, now
from kedro_airflow_k8s.sandbox.cluster.pod import states


class PodStatus:
    """What a pod's object says of its containers; `failure` is the reason of a pod that fails as a whole."""

    def __init__(self, store: Store, pod: Json) -> None:
        self.failure: Json = {}
        self._store = store
        self._pod = pod
        spec = pod["spec"]
        first = states.waiting("PodInitializing" if spec.get("initContainers") else "ContainerCreating")
        self._states = {item["name"]: first for item in spec.get("initContainers", []) + spec["containers"]}

    def of(self, name: str) -> Json:
        """Return the state of a container."""
        return self._states[name]

    def set(self, name: str, state: Json) -> None:
        """Take down the state of a container, to be published."""
        self._states[name] = state

    def schedule(self) -> None:
        """Give the pod the node."""
        metadata = self._pod["metadata"]
        self._pod["spec"]["nodeName"] = NODE
        self._pod["status"].update(hostIP=ADDRESS, hostIPs=[{"ip": ADDRESS}], startTime=now())
        self.tell("Scheduled", f"Successfully assigned {metadata['namespace']}/{metadata['name']} to {NODE}")
        self.publish()

    def refuse(self, message: str) -> None:
        """Say why the pod gets no node."""
        self._pod["status"]["conditions"] = [states.unschedulable(message)]
        self.tell("FailedScheduling", message, warning=True)
        self._save()

    def publish(self, *, over: bool = False) -> None:
        """Work the status out anew, and make it known; `over` says that nothing of the pod runs any more."""
        spec, status = self._pod["spec"], self._pod["status"]
        for key, kind in (("initContainerStatuses", "initContainers"), ("containerStatuses", "containers")):
            found = [states.of_container(self._pod, item, self._states[item["name"]]) for item in spec.get(kind, [])]
            if found:
                status[key] = found
        status["phase"] = states.phase(spec, self._states)
        status["conditions"] = states.conditions(spec, self._states, status.get("conditions", []))
        if "running" in self._states[spec["containers"][0]["name"]]:
            status.update(podIP=ADDRESS, podIPs=[{"ip": ADDRESS}])
        if self.failure and (over or status["phase"] in ("Succeeded", "Failed")):
            status.update(self.failure, phase="Failed")
        self._save()

    def tell(self, reason: str, message: str, *, warning: bool = False, container: str = "") -> None:
        """Add an event about the pod, or about one of its containers."""
        tell(self._store, self._pod, reason, message, warning=warning, container=container)

    def _save(self) -> None:
        # A pod deleted with no grace is forgotten before its processes have ended.
        metadata = self._pod["metadata"]
        if self._store.find("pods", metadata["namespace"], metadata["name"]) is self._pod:
            self._store.save("pods", self._pod)
