"""Why a pod does not start, from its own status and from the events of it and its claims."""

from __future__ import annotations

import re
from typing import Any

from airflow.providers.cncf.kubernetes.utils.pod_manager import PodLaunchFailedException

from kedro_airflow_k8s.contract import POD_WAITS
from kedro_airflow_k8s.operators.ending import said

# What does not heal while a run waits, and what to do about it.
HOPELESS = {
    "^InvalidImageName": "correct run_config.image",
    "^ErrImageNeverPull": "bring the image to the node, or change run_config.image_pull_policy",
    "ProvisioningFailed: .*storageclass.* not found": "correct run_config.volume.storageclass, or create the class",
    "ProvisioningFailed: .*access ?mode": "correct run_config.volume.access_modes, or take another storageclass",
}


class Waiting:
    """Says in the task's log why its pod waits, whenever the reason is another one."""

    def __init__(self, api: Any, log: Any) -> None:
        self.api = api
        self.log = log
        self.told = ""

    def look(self, pod: Any) -> bool:
        """Return whether the pod still waits. Raise if it waits for what will not come."""
        try:
            found = self.api.read_namespaced_pod(pod.metadata.name, pod.metadata.namespace)
            reason = why_it_waits(self.api, found)
        except Exception:
            # A look only explains. Whether the API is away for too long is the provider's to decide.
            return True
        if found.status.phase != "Pending":
            return False
        if reason and reason != self.told:
            self.log.info("%s%s", POD_WAITS, reason)
            self.told = reason
        if way_out := cure(reason):
            raise PodLaunchFailedException(f"The pod cannot start: {reason}; {way_out}")
        return True


def cure(reason: str) -> str:
    """Return what to do about a reason that does not heal while a run waits; empty for one that may."""
    return next((way_out for pattern, way_out in HOPELESS.items() if re.search(pattern, reason)), "")


def why_it_never_started(api: Any, pod: Any) -> str:
    """Return why a pod that did not start was given up, in one line."""
    try:
        reason = why_it_waits(api, pod)
    except Exception:
        reason = ""
    return "; ".join(part for part in (f"it did not start: {reason}" if reason else "", cure(reason)) if part)


def why_it_waits(api: Any, pod: Any) -> str:
    """Return why a pod has not started; empty if Kubernetes does not say."""
    status = pod.status
    for container in [*(status.init_container_statuses or ()), *(status.container_statuses or ())]:
        waiting = container.state and container.state.waiting
        if waiting and waiting.reason not in (None, "ContainerCreating", "PodInitializing"):
            return said(waiting.reason, waiting.message)
    if not pod.spec.node_name:
        for volume in pod.spec.volumes or ():
            claim = volume.persistent_volume_claim and volume.persistent_volume_claim.claim_name
            event = claim and last_event(api, pod.metadata.namespace, "PersistentVolumeClaim", claim)
            if event and event.type == "Warning":
                return f"claim {claim}: {said(event.reason, event.message)}"
        for condition in status.conditions or ():
            if condition.type == "PodScheduled" and condition.status == "False":
                return said(condition.reason, condition.message)
    event = last_event(api, pod.metadata.namespace, "Pod", pod.metadata.name)
    return said(event.reason, event.message) if event and event.reason != "Scheduled" else ""


def last_event(api: Any, namespace: str, kind: str, name: str) -> Any:
    """Return the last event of an object, None if it has none or Airflow has no right to see it."""
    from kubernetes.client import ApiException

    try:
        events = api.list_namespaced_event(
            namespace, field_selector=f"involvedObject.kind={kind},involvedObject.name={name}"
        ).items
    except ApiException:
        return None
    times = {
        id(event): event.last_timestamp or event.event_time or event.metadata.creation_timestamp for event in events
    }
    return max((event for event in events if times[id(event)]), key=lambda event: times[id(event)], default=None)
