"""The events that a cluster tells about its pods and claims."""

from __future__ import annotations

from kedro_airflow_k8s.sandbox.cluster.objects.node import NODE
from kedro_airflow_k8s.sandbox.cluster.objects.refusal import Json
from kedro_airflow_k8s.sandbox.cluster.objects.store import Store, now

_SCHEDULING = ("Scheduled", "FailedScheduling")


def tell(store: Store, item: Json, reason: str, message: str, *, warning: bool = False, container: str = "") -> None:
    """Add an event about a pod, one of its containers, or a claim.

    If an event about it says the same already, count that one up instead.
    """
    metadata = item["metadata"]
    subject = {key: metadata[key] for key in ("namespace", "name", "uid")}
    subject |= {"kind": item["kind"], "apiVersion": "v1"}
    if container:
        subject["fieldPath"] = f"spec.containers{{{container}}}"
    for event in reversed(store.all("events", metadata["namespace"])):
        if event["involvedObject"] == subject and (event["reason"], event["message"]) == (reason, message):
            event.update(count=event["count"] + 1, lastTimestamp=now())
            store.save("events", event)
            return
    component, host = _source(item["kind"], reason)
    event = {
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
        "source": {"component": component, **({"host": host} if host else {})},
        "reportingComponent": component,
        "reportingInstance": host,
    }
    store.add("events", event)


def _source(kind: str, reason: str) -> tuple[str, str]:
    """Return which component tells an event, and on which node."""
    if kind == "PersistentVolumeClaim":
        return "persistentvolume-controller", ""
    return ("default-scheduler", "") if reason in _SCHEDULING else ("kubelet", NODE)
