"""The operators that make, fill and remove the volume of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from airflow.providers.cncf.kubernetes.hooks.kubernetes import KubernetesHook

from kedro_airflow_k8s.contract import RUN_LABEL
from kedro_airflow_k8s.operators._airflow import BaseOperator
from kedro_airflow_k8s.operators.leftovers import Volumes
from kedro_airflow_k8s.operators.pod import PlainPodOperator
from kedro_airflow_k8s.operators.refusal import refusal
from kedro_airflow_k8s.operators.sweeping import sweep


def own_namespace(hook: Any) -> str:
    """Return the namespace of pods that name none, as the provider finds it."""
    file = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
    return hook.get_namespace() or (file.read_text().strip() if file.exists() else "default")


class PipelineStorageOperator(BaseOperator):
    """What the operators of a run's volume have in common.

    `claim` is the manifest of its volume claim, `kubernetes` how the hook of the provider reaches the cluster.
    """

    template_fields = ("claim", "kubernetes")
    template_fields_renderers = {"claim": "yaml"}

    def __init__(self, *, claim: dict[str, Any], kubernetes: dict[str, Any] | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.claim = claim
        self.kubernetes = kubernetes or {}

    def execute(self, context: Any) -> None:
        from kubernetes.client import ApiException

        hook = KubernetesHook(**self.kubernetes)
        namespace = self.claim["metadata"].get("namespace") or own_namespace(hook)
        volumes = Volumes(hook.core_v1_client, namespace, self.log)
        try:
            self.act(volumes, context)
        except ApiException as error:
            raise RuntimeError(refusal(error)) from None

    def act(self, volumes: Volumes, context: Any) -> None:
        """Do what the task is for."""
        raise NotImplementedError

    def is_of_this_run(self, found: Any) -> bool:
        """Tell whether a claim of that name belongs to this run."""
        wanted, there = self.claim["metadata"]["annotations"], found.annotations or {}
        return all(there.get(key) == text for key, text in wanted.items())


class CreatePipelineStorageOperator(PipelineStorageOperator):
    """Create the volume claim that the tasks of one run share, and remove those that earlier runs left behind."""

    def act(self, volumes: Volumes, context: Any) -> None:
        from kubernetes.client import ApiException

        sweep(volumes, self.claim, context["ti"])
        name, namespace = self.claim["metadata"]["name"], volumes.namespace
        found = volumes.find(name)
        if found and found.deletion_timestamp and self.is_of_this_run(found):
            # It was deleted for a run that is now repeated, and would vanish under the nodes.
            volumes.end_pods(self.claim["metadata"]["labels"][RUN_LABEL])
            volumes.await_gone(found)
        try:
            volumes.ask("create_namespaced_persistent_volume_claim", namespace, self.claim)
        except ApiException as error:
            if error.status != 409:
                raise
            found = volumes.find(name)
            if not found or not self.is_of_this_run(found):
                raise RuntimeError(
                    f"The claim {namespace}/{name} exists, and is not of this run; if nobody needs it, delete it."
                ) from None
            self.log.info("An earlier try of this task has made the claim %s/%s", namespace, name)
        else:
            self.log.info("Made the claim %s/%s", namespace, name)


class DataVolumeInitOperator(PlainPodOperator):
    """Copy the data folder of the image into the volume."""


class DeletePipelineStorageOperator(PipelineStorageOperator):
    """End the pods that the run still has, and delete its volume claim, and the volume with it.

    A claim that is gone already is fine; one that does not go is a failure.
    """

    def act(self, volumes: Volumes, context: Any) -> None:
        metadata = self.claim["metadata"]
        name, namespace = metadata["name"], volumes.namespace
        volumes.end_pods(metadata["labels"][RUN_LABEL])
        found = volumes.find(name)
        if not found:
            self.log.info("The claim %s/%s is gone already", namespace, name)
        elif not self.is_of_this_run(found):
            self.log.warning("The claim %s/%s is not of this run, and stays", namespace, name)
        else:
            volumes.delete(found)
            volumes.await_gone(found)
            self.log.info("Deleted the claim %s/%s", namespace, name)
