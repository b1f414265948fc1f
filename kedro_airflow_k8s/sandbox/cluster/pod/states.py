"""The status of a pod, worked out from the states of its containers as a kubelet does."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

from kedro_airflow_k8s.sandbox.cluster.objects import names
from kedro_airflow_k8s.sandbox.cluster.objects.refusal import Json
from kedro_airflow_k8s.sandbox.cluster.objects.store import now

_NEVER = "1970-01-01T00:00:00Z"


def waiting(reason: str, message: str = "") -> Json:
    """Return the state of a container that has not started."""
    return {"waiting": {"reason": reason, **({"message": message} if message else {})}}


def running() -> Json:
    """Return the state of a container that starts now."""
    return {"running": {"startedAt": now()}}


def terminated(state: Json, code: int, identity: str, message: str = "", *, out_of_memory: bool = False) -> Json:
    """Return the state of a container that ends now, with an exit code; `state` is the one before."""
    return {
        "terminated": {
            "exitCode": code,
            "reason": "OOMKilled" if out_of_memory else "Error" if code else "Completed",
            **({"message": message} if message else {}),
            "startedAt": state["running"]["startedAt"],
            "finishedAt": now(),
            "containerID": identity,
        }
    }


def not_started(message: str, identity: str) -> Json:
    """Return the state of a container whose process could not be started."""
    return {
        "terminated": {
            "exitCode": 128,
            "reason": "StartError",
            "message": message,
            "startedAt": _NEVER,
            "finishedAt": now(),
            "containerID": identity,
        }
    }


def container_id(pod: Json, container: Json) -> str:
    """Return the id of a container, which looks like a container runtime's."""
    text = f"{pod['metadata']['uid']}/{container['name']}"
    return f"containerd://{hashlib.sha256(text.encode()).hexdigest()}"


def of_container(pod: Json, container: Json, state: Json) -> Json:
    """Return the status of one container in a given state."""
    begun = "waiting" not in state
    return {
        "name": container["name"],
        "image": container["image"],
        "imageID": container["image"] if begun else "",
        **({"containerID": container_id(pod, container)} if begun else {}),
        "ready": "running" in state,
        "started": "running" in state,
        "restartCount": 0,
        "state": state,
        "lastState": {},
    }


def phase(spec: Json, states: Mapping[str, Json]) -> str:
    """Return a pod's phase: a pod with a container that waits is Pending, whatever the others do."""
    if any(_failed(states[container["name"]]) for container in spec.get("initContainers", [])):
        return "Failed"
    found = [states[container["name"]] for container in spec["containers"]]
    if any("waiting" in state for state in found):
        return "Pending"
    if any("running" in state for state in found):
        return "Running"
    return "Failed" if any(_failed(state) for state in found) else "Succeeded"


def conditions(spec: Json, states: Mapping[str, Json], before: Iterable[Json]) -> list[Json]:
    """Return the conditions of a pod that is scheduled; those that stay keep the time of their last change."""
    known = {condition["type"]: condition for condition in before}
    initialised = all(_done(states[container["name"]]) for container in spec.get("initContainers", []))
    ready = all("running" in states[container["name"]] for container in spec["containers"])
    over = not ready and phase(spec, states) in ("Succeeded", "Failed")
    reason = "" if ready else "PodCompleted" if over else "ContainersNotReady"
    wanted = [
        _condition("PodScheduled", True, ""),
        _condition("Initialized", initialised, "" if initialised else "ContainersNotInitialized"),
        _condition("ContainersReady", ready, reason),
        _condition("Ready", ready, reason),
    ]
    kept = [known.get(condition["type"], {}) for condition in wanted]
    return [
        old if {**old, "lastTransitionTime": ""} == {**new, "lastTransitionTime": ""} else new
        for old, new in zip(kept, wanted, strict=True)
    ]


def unschedulable(message: str) -> Json:
    """Return the condition of a pod that no node can take."""
    return {**_condition("PodScheduled", False, "Unschedulable"), "message": message}


def qos(spec: Json) -> str:
    """Return a pod's quality of service class."""
    resources = [container.get("resources", {}) for container in spec["containers"] + spec.get("initContainers", [])]
    if not any(amounts for resource in resources for amounts in resource.values()):
        return "BestEffort"
    guaranteed = all(_same(resource, name) for resource in resources for name in ("cpu", "memory"))
    return "Guaranteed" if guaranteed else "Burstable"


def _same(resource: Json, name: str) -> bool:
    limit = resource.get("limits", {}).get(name)
    return limit is not None and names.quantity(limit) == names.quantity(resource.get("requests", {}).get(name, limit))


def _done(state: Json) -> bool:
    return "terminated" in state and not _failed(state)


def _failed(state: Json) -> bool:
    return bool(state.get("terminated", {}).get("exitCode"))


def _condition(kind: str, holds: bool, reason: str) -> Json:
    status = {"type": kind, "status": str(holds), "lastProbeTime": None, "lastTransitionTime": now()}
    return {**status, "reason": reason} if reason else status
