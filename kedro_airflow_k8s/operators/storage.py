"""The operators that make, fill and remove the volume of a run."""

from __future__ import annotations

from typing import Any

from airflow.providers.cncf.kubernetes.hooks.kubernetes import KubernetesHook

from kedro_airflow_k8s.operators._airflow import BaseOperator
from kedro_airflow_k8s.operators.pod import PlainPodOperator


class CreatePipelineStorageOperator(BaseOperator):
    """Create the volume claim that the tasks of one run share; `claim` is its manifest."""

    template_fields = ("claim",)
    template_fields_renderers = {"claim": "yaml"}

    def __init__(self, *, claim: dict[str, Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.claim = claim

    def execute(self, context: Any) -> None:
        from kubernetes.client import ApiException

        api = KubernetesHook().core_v1_client
        name, namespace = self.claim["metadata"]["name"], self.claim["metadata"]["namespace"]
        try:
            api.create_namespaced_persistent_volume_claim(namespace, self.claim)
        except ApiException as error:
            if error.status != 409:
                raise
            found = api.read_namespaced_persistent_volume_claim(name, namespace).metadata
            if not _is_ours(found, self.claim):
                raise RuntimeError(
                    f"The claim {namespace}/{name} exists, and is not of this run; if nobody needs it, delete it."
                ) from None
            if found.deletion_timestamp:
                raise RuntimeError(f"The claim {namespace}/{name} is being deleted; try again later.") from None
            self.log.info("An earlier try of this task has made the claim %s/%s", namespace, name)
        else:
            self.log.info("Made the claim %s/%s", namespace, name)


def _is_ours(found: Any, claim: dict[str, Any]) -> bool:
    wanted, there = claim["metadata"]["annotations"], found.annotations or {}
    return all(there.get(key) == text for key, text in wanted.items())


class DataVolumeInitOperator(PlainPodOperator):
    """Copy the data folder of the image into the volume."""


class DeletePipelineStorageOperator(BaseOperator):
    """Delete the volume claim of the run, and the volume with it; one that is gone already is fine."""

    template_fields = ("claim",)
    template_fields_renderers = {"claim": "yaml"}

    def __init__(self, *, claim: dict[str, Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.claim = claim

    def execute(self, context: Any) -> None:
        from kubernetes.client import ApiException

        api = KubernetesHook().core_v1_client
        name, namespace = self.claim["metadata"]["name"], self.claim["metadata"]["namespace"]
        try:
            found = api.read_namespaced_persistent_volume_claim(name, namespace).metadata
            if not _is_ours(found, self.claim):
                self.log.warning("The claim %s/%s is not of this run, and stays", namespace, name)
                return
            api.delete_namespaced_persistent_volume_claim(name, namespace, body={"preconditions": {"uid": found.uid}})
        except ApiException as error:
            if error.status != 404:
                raise
            self.log.info("The claim %s/%s is gone already", namespace, name)
        else:
            self.log.info("Deleted the claim %s/%s", namespace, name)
