"""How a pod ended, from its own status."""

from __future__ import annotations

import signal
from typing import Any

from kedro_airflow_k8s.contract import RESOURCES_ANNOTATION


def how_it_ended(pod: Any) -> str:
    """Return how a pod came to its end, in one line: why, exit code and signal, memory limit, node, what to do.

    It is empty for one that succeeded.
    """
    status, container = pod.status, pod.spec.containers[0]
    states = {each.name: each.state for each in status.container_statuses or ()}
    ended = states[container.name].terminated if container.name in states else None
    if status.phase == "Succeeded" or (ended and ended.exit_code == 0):
        return ""
    limit = ((container.resources and container.resources.limits) or {}).get("memory")
    parts = [
        *why_it_ended(pod, ended),
        *([f"exit code {ended.exit_code}{signal_name(ended.exit_code)}"] if ended else []),
        f"memory limit {limit}" if limit else "no memory limit",
        f"node {pod.spec.node_name}" if pod.spec.node_name else "no node",
    ]
    return "; ".join([", ".join(parts), *advice(pod, ended, limit)])


def why_it_ended(pod: Any, ended: Any) -> list[str]:
    """Return what Kubernetes gives as the reason, from the most telling place that has one."""
    status = pod.status
    disruptions = [each for each in status.conditions or () if each.type == "DisruptionTarget"]
    if status.reason:
        return [said(status.reason, status.message)]
    if disruptions:
        return [said(disruptions[0].reason, disruptions[0].message)]
    if ended and ended.reason not in (None, "Error", "Completed"):
        return [said(ended.reason, ended.message)]
    if pod.metadata.deletion_timestamp:
        return ["the pod was deleted"]
    return [] if ended else ["it did not start" if status.phase == "Pending" else "its container has not ended"]


def said(reason: str, message: str | None) -> str:
    """Return reason and message of something in Kubernetes, in one line."""
    return ": ".join(" ".join(part.split()) for part in (reason, message) if part)


def signal_name(exit_code: int) -> str:
    """Return the signal that an exit code above 128 stands for, in brackets; empty for any other."""
    try:
        return f" ({signal.Signals(exit_code - 128).name})"
    except ValueError:
        return ""


def advice(pod: Any, ended: Any, limit: str | None) -> list[str]:
    """Return what to do about it, if that is known."""
    key = f"run_config.resources.{(pod.metadata.annotations or {}).get(RESOURCES_ANNOTATION, '__default__')}"
    reason = pod.status.reason or (ended and ended.reason)
    if reason == "OOMKilled":
        return [f"raise {key}.limits.memory" if limit else f"the node ran out of memory: set {key}.requests.memory"]
    if reason == "Evicted":
        return [f"ask for what the pod needs in {key}.requests"]
    return []
