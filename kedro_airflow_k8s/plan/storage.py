"""Feature: the volume that the tasks of one run share."""

from __future__ import annotations

from typing import Any

from kedro_airflow_k8s.config import PluginConfig
from kedro_airflow_k8s.model import Call, Fragment, Local, Ref, TaskSpec
from kedro_airflow_k8s.plan import text
from kedro_airflow_k8s.plan.pod import pod_arguments, project_path
from kedro_airflow_k8s.project import Project

OPERATORS = "kedro_airflow_k8s.operators.storage"
_RUN = "macros.uuid.uuid5(macros.uuid.NAMESPACE_URL, dag.dag_id ~ '/' ~ run_id)"
_NAME_LENGTH = 63
_UUID_LENGTH = 36


def storage(project: Project, config: PluginConfig, dag_id: str) -> Fragment:
    """Give the run a volume claim, filled from the image and mounted at the project's data folder."""
    volume, namespace = config.run_config.volume, text.literal(config.run_config.namespace)
    if volume.disabled:
        return Fragment()
    claim_name = Local("claim_name")
    prefix = text.dns_name(dag_id, _NAME_LENGTH - _UUID_LENGTH - 1)
    spec: dict[str, Any] = {
        "accessModes": list(volume.access_modes),
        "resources": {"requests": {"storage": text.literal(volume.size)}},
    }
    if volume.storageclass is not None:
        spec["storageClassName"] = text.literal(volume.storageclass)
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {
            "name": claim_name,
            "namespace": namespace,
            "annotations": {
                "kedro-airflow-k8s/dag-id": "{{ dag.dag_id }}",
                "kedro-airflow-k8s/run-id": "{{ run_id }}",
            },
        },
        "spec": spec,
    }
    create = Call(Ref(OPERATORS, "CreatePipelineStorageOperator"), {"claim": Local("claim")})
    before = [TaskSpec("create_pipeline_storage", create)]
    if not volume.skip_init:
        fill = Call(Ref(OPERATORS, "DataVolumeInitOperator"), pod_arguments(config))
        before.append(TaskSpec("data_volume_init", fill))
    remove = {
        "claim": Local("claim"),
        # With all_success a failed run keeps its claim: the task ends as upstream_failed.
        "trigger_rule": "all_success" if volume.keep_on_failure else "all_done",
    }
    mount_path = text.literal(f"{project_path(project, config)}/data")
    return Fragment(
        before=tuple(before),
        after=(TaskSpec("delete_pipeline_storage", Call(Ref(OPERATORS, "DeletePipelineStorageOperator"), remove)),),
        pod={
            "spec": {
                "securityContext": {"fsGroup": volume.owner},
                "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": claim_name}}],
            },
            "container": {"volumeMounts": [{"name": "data", "mountPath": mount_path}]},
        },
        variables={"claim_name": f"{prefix}-{{{{ {_RUN} }}}}", "claim": claim},
    )
