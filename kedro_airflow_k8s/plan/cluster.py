"""How the tasks reach the cluster: the same for every pod and for every task of the volume."""

from __future__ import annotations

from typing import Any

from kedro_airflow_k8s.config.sections import RunConfig
from kedro_airflow_k8s.plan.text import verbatim


def of_pods(run: RunConfig) -> dict[str, Any]:
    """Return the arguments of an operator that runs a pod; what is not configured, the provider decides."""
    return {{"conn_id": "kubernetes_conn_id"}.get(key, key): value for key, value in of_hook(run).items()}


def of_hook(run: RunConfig) -> dict[str, Any]:
    """Return the arguments of the provider's hook."""
    given = run.kubernetes.model_dump(exclude_defaults=True)
    return {key: verbatim(value) if isinstance(value, str) else value for key, value in given.items()}


def of_storage(run: RunConfig) -> dict[str, Any]:
    """Return the arguments of an operator of the run's volume."""
    return {"kubernetes": of_hook(run)} if of_hook(run) else {}
