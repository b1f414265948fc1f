"""Feature: the volume that the tasks of one run share."""

from __future__ import annotations

from typing import Any

from kedro_airflow_k8s.model import Call, Fragment, Local, Ref, TaskSpec
from kedro_airflow_k8s.plan import text
from kedro_airflow_k8s.plan.context import Context
from kedro_airflow_k8s.plan.pod import CONTAINER, project_path

OPERATORS = "kedro_airflow_k8s.operators.storage"
_RUN = "macros.uuid.uuid5(macros.uuid.NAMESPACE_URL, dag.dag_id ~ '/' ~ run_id)"
_NAME_LENGTH = 63
_UUID_LENGTH = 36


def storage(context: Context) -> Fragment:
    """Give the run a volume claim, filled from the image and mounted at the project's data folder."""
    volume, namespace = context.config.run_config.volume, text.literal(context.config.run_config.namespace)
    if volume.disabled:
        return Fragment()
    claim_name = Local("claim_name")
    prefix = text.dns_name(context.dag_id, _NAME_LENGTH - _UUID_LENGTH - 1)
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
        fill = Call(Ref(OPERATORS, "DataVolumeInitOperator"), _pod_arguments(context))
        before.append(TaskSpec("data_volume_init", fill))
    remove = {
        "claim": Local("claim"),
        # With all_success a failed run keeps its claim: the task ends as upstream_failed.
        "trigger_rule": "all_success" if volume.keep_on_failure else "all_done",
    }
    mount_path = text.literal(f"{project_path(context.project, context.config)}/data")
    return Fragment(
        before=tuple(before),
        after=(TaskSpec("delete_pipeline_storage", Call(Ref(OPERATORS, "DeletePipelineStorageOperator"), remove)),),
        pod={
            "spec": {
                "securityContext": {"fsGroup": volume.owner},
                "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": claim_name}}],
                "containers": [{"name": CONTAINER, "volumeMounts": [{"name": "data", "mountPath": mount_path}]}],
            },
        },
        locals={"claim_name": f"{prefix}-{{{{ {_RUN} }}}}", "claim": claim},
    )


def _pod_arguments(context: Context) -> dict[str, Any]:
    run = context.config.run_config
    calls = run.macro_params or run.variables_params or run.env_vars
    functions = {"functions": Local("functions")} if calls else {}
    return {"pod": Local("pod"), **functions, "startup_timeout_seconds": run.startup_timeout}
