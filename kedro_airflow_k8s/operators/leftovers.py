"""The claims of a namespace and the pods that use them: how they are made, found and removed."""

from __future__ import annotations

import time
from typing import Any

from kedro_airflow_k8s.contract import RUN_LABEL
from kedro_airflow_k8s.operators.patience import patiently

GONE_PATIENCE = 120  # seconds within which pods and claims that are deleted should be gone


class Volumes:
    """The claims of a namespace and their pods; a Kubernetes that is away is asked again for a while."""

    def __init__(self, api: Any, namespace: str, log: Any) -> None:
        self.api = api
        self.namespace = namespace
        self.log = log

    def ask(self, method: str, *arguments: Any, **options: Any) -> Any:
        """Return what Kubernetes answers, None if there is no such thing."""
        from kubernetes.client import ApiException

        call = getattr(self.api, method)
        try:
            return patiently(lambda: call(*arguments, **options), self.log)
        except ApiException as error:
            if error.status != 404:
                raise
            return None

    def find(self, name: str) -> Any:
        """Return the metadata of a claim, None if there is none."""
        claim = self.ask("read_namespaced_persistent_volume_claim", name, self.namespace)
        return claim and claim.metadata

    def end_pods(self, run: str) -> None:
        """Delete the pods that a run still has: no worker is left to do it, and they hold the volume."""
        pods = self.ask("list_namespaced_pod", self.namespace, label_selector=f"{RUN_LABEL}={run}")
        for pod in pods.items if pods else ():
            self.log.info("Deleting the pod %s, which no task looks after any more", pod.metadata.name)
            self.ask("delete_namespaced_pod", pod.metadata.name, self.namespace)

    def is_used(self, run: str) -> bool:
        """Tell whether a pod of a run still goes on."""
        pods = self.ask("list_namespaced_pod", self.namespace, label_selector=f"{RUN_LABEL}={run}")
        return any(
            pod.status.phase in ("Pending", "Running") and not pod.metadata.deletion_timestamp
            for pod in (pods.items if pods else ())
        )

    def delete(self, claim: Any) -> None:
        """Have a claim deleted: this one, not another that got its name meanwhile."""
        from kubernetes.client import ApiException

        body = {"preconditions": {"uid": claim.uid}}
        try:
            self.ask("delete_namespaced_persistent_volume_claim", claim.name, self.namespace, body=body)
        except ApiException as error:
            if error.status != 409:
                raise

    def await_gone(self, claim: Any) -> None:
        """Wait until a claim that is being deleted is gone. Raise with the pods that are in the way."""
        deadline = time.monotonic() + GONE_PATIENCE
        while (found := self.find(claim.name)) and found.uid == claim.uid:
            if time.monotonic() > deadline:
                raise RuntimeError(self.obstacle(claim))
            time.sleep(1)

    def obstacle(self, claim: Any) -> str:
        """Say why a claim that was deleted is still there."""
        pods = self.ask("list_namespaced_pod", self.namespace)
        names = [
            pod.metadata.name
            for pod in (pods.items if pods else ())
            for volume in pod.spec.volumes or ()
            if volume.persistent_volume_claim and volume.persistent_volume_claim.claim_name == claim.name
        ]
        cause = (
            f"these pods still use it: {', '.join(names)}. Delete them (kubectl delete pod), then clear this task."
            if names
            else f"no pod uses it; what holds it are its finalizers: {', '.join(claim.finalizers or ['none'])}."
        )
        return f"The claim {self.namespace}/{claim.name} is being deleted since {GONE_PATIENCE} s, but {cause}"
