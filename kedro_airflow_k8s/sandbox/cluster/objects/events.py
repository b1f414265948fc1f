"""The events that a cluster tells about its pods."""

from __future__ import annotations

from kedro_airflow_k8s.sandbox.cluster.objects.node import NODE
from kedro_airflow_k8s.sandbox.cluster.objects.refusal import Json
from kedro_airflow_k8s.sandbox.cluster.objects.store import Store, now


def tell(store: Store, pod: Json, reason: str, message: str, *, warning: bool = False, container: str = "") -> None:
    """Add an event about a pod, or about one of its containers."""
    metadata = pod["metadata"]
    scheduling = reason in ("Scheduled", "FailedScheduling")
    component = "default-scheduler" if scheduling else "kubelet"
    subject = {"kind": "Pod", "apiVersion": "v1", **{key: metadata[key] for key in ("namespace", "name", "uid")}}
    if container:
        subject["fieldPath"] = f"spec.containers{{{container}}}"
    event: Json = {
        "kind": "Event",
        "apiVersion": "v1",
        "metadata": {"name": f"{metadata['name']}.{store.version + 1:016x}", "namespace": metadata["namespace"]},
        "involvedObject": subject,
        "reason": reason,
        "message": message,
        "type": "Warning" if warning else "Normal",
        "count": 1,
        "firstTimestamp": now(),
        "lastTimestamp": now(),
        "source": {"component": component} if scheduling else {"component": component, "host": NODE},
        "reportingComponent": component,
        "reportingInstance": "" if scheduling else NODE,
    }
    store.add("events", event)
