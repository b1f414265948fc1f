"""Feature: the volume that the tasks of one run share."""

from __future__ import annotations

import shlex
from datetime import timedelta
from typing import Any

from kedro_airflow_k8s.contract import (
    CREATE_STORAGE_TASK,
    DAG_ANNOTATION,
    DAG_LABEL,
    DELETE_STORAGE_TASK,
    INIT_STORAGE_TASK,
    KEEP_ANNOTATION,
    RUN_ANNOTATION,
    RUN_LABEL,
)
from kedro_airflow_k8s.model import Call, Fragment, Local, Ref, TaskSpec
from kedro_airflow_k8s.plan import cluster, text
from kedro_airflow_k8s.plan.context import Context
from kedro_airflow_k8s.plan.inputs import parameters
from kedro_airflow_k8s.plan.manifest import filled, laid_over, readable
from kedro_airflow_k8s.plan.pod import CONTAINER, plain_pod, project_path

OPERATORS = "kedro_airflow_k8s.operators.storage"
# Kedro itself knows a project by this file.
_COPY = """\
if [ ! -f pyproject.toml ]; then
  echo {missing}
  ls
  exit 1
fi
if [ -d data ]; then cp -Rf data/. data_volume/; else echo 'The image has no data to copy.'; fi"""
_MISSING = (
    "There is no Kedro project in {place} of the image. Set run_config.project_path of airflow-k8s.yaml to the folder"
    " that has its pyproject.toml. This one has only:"
)
_NAME_LENGTH = 63
_UUID_LENGTH = 36


def storage(context: Context) -> Fragment:
    """Give the run a volume claim, filled from the image and mounted at the project's data folder."""
    run = context.config.run_config
    volume, namespace = run.volume, run.namespace and text.verbatim(run.namespace)
    if volume.disabled:
        return Fragment()
    claim_name, labels = Local("claim_name"), {DAG_LABEL: text.label(context.dag_id), RUN_LABEL: text.RUN_ID}
    kept = {KEEP_ANNOTATION: "true"} if volume.keep_on_failure else {}
    prefix = text.dns_name(context.dag_id, _NAME_LENGTH - _UUID_LENGTH - 1)
    spec: dict[str, Any] = {
        "accessModes": list(volume.access_modes),
        "resources": {"requests": {"storage": text.verbatim(volume.size)}},
    }
    if volume.storageclass is not None:
        spec["storageClassName"] = text.verbatim(volume.storageclass)
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {
            "name": claim_name,
            **({"namespace": namespace} if namespace else {}),
            "labels": labels,
            "annotations": {DAG_ANNOTATION: "{{ dag.dag_id }}", RUN_ANNOTATION: "{{ run_id }}", **kept},
        },
        "spec": spec,
    }
    volume_of_run = {
        "securityContext": {"fsGroup": volume.owner},
        "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": claim_name}}],
    }
    # Both ride out an outage of two minutes by themselves; a worker that is killed is what is left.
    pause = {"retry_delay": timedelta(seconds=30)}
    access = cluster.of_storage(run)
    create = Call(
        Ref(OPERATORS, "CreatePipelineStorageOperator"), {"claim": Local("claim"), **access, "retries": 1, **pause}
    )
    before = [TaskSpec(CREATE_STORAGE_TASK, create)]
    init_pod = {}
    if not volume.skip_init:
        init_pod = {"init_pod": _init_pod(context, volume_of_run, labels)}
        arguments = {
            "pod": Local("init_pod"),
            **cluster.of_pods(run),
            "startup_timeout_seconds": run.startup_timeout,
        }
        before.append(TaskSpec(INIT_STORAGE_TASK, Call(Ref(OPERATORS, "DataVolumeInitOperator"), arguments)))
    remove = {
        "claim": Local("claim"),
        **access,
        # With all_success a failed run keeps its claim: the task ends as upstream_failed.
        "trigger_rule": "all_success" if volume.keep_on_failure else "all_done",
        "retries": 3,
        **pause,
    }
    mount_path = text.verbatim(f"{project_path(context.project, context.config)}/data")
    return Fragment(
        before=tuple(before),
        after=(TaskSpec(DELETE_STORAGE_TASK, Call(Ref(OPERATORS, "DeletePipelineStorageOperator"), remove)),),
        pod={
            "metadata": {"labels": labels},
            "spec": {
                **volume_of_run,
                "containers": [{"name": CONTAINER, "volumeMounts": [{"name": "data", "mountPath": mount_path}]}],
            },
        },
        locals={"claim_name": f"{prefix}-{text.RUN_ID}", "claim": claim, **init_pod},
    )


def _init_pod(context: Context, volume: dict[str, Any], labels: dict[str, str]) -> dict[str, Any]:
    """Return the pod that copies the image's data, with the volume beside the folder that it will hide."""
    pod = laid_over(plain_pod(context), {"metadata": {"labels": labels}})
    (container,) = pod["spec"]["containers"]
    place = project_path(context.project, context.config)
    # A copy needs no GPU, but where a quota is set every pod has to ask for memory and CPU.
    resources = {
        kind: {name: amount for name, amount in amounts.items() if "/" not in name}
        for kind, amounts in container.get("resources", {}).items()
    }
    own = {
        **container,
        "command": ["sh", "-c", text.argument(_COPY.format(missing=shlex.quote(_MISSING.format(place=place))))],
        # The script does not use them, but a parameter without a value fails here, before any pod has started.
        "args": list(parameters(context.config.run_config)),
        "resources": {kind: amounts for kind, amounts in resources.items() if amounts},
        "volumeMounts": [{"name": "data", "mountPath": text.verbatim(f"{place}/data_volume")}],
    }
    return readable({**pod, "spec": {**pod["spec"], **volume, "containers": [filled(own)]}})
