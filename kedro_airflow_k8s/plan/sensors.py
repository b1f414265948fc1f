"""Feature: the DAGs that the pipeline waits for."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from kedro_airflow_k8s.config import PluginConfig
from kedro_airflow_k8s.config.sections import ExternalDependency
from kedro_airflow_k8s.model import Call, Ref, TaskSpec
from kedro_airflow_k8s.plan import text


def sensors(config: PluginConfig) -> tuple[TaskSpec, ...]:
    """Return a sensor for each DAG or task that must have succeeded before."""
    return tuple(_sensor(dependency) for dependency in config.run_config.external_dependencies)


def _sensor(dependency: ExternalDependency) -> TaskSpec:
    waited_for = [dependency.dag_id, *([dependency.task_id] if dependency.task_id else [])]
    arguments: dict[str, Any] = {
        "external_dag_id": text.literal(dependency.dag_id),
        "external_task_id": dependency.task_id and text.literal(dependency.task_id),
        "check_existence": dependency.check_existence,
        "timeout": dependency.timeout * 60,
        # Between two looks it holds no worker.
        "mode": "reschedule",
    }
    if dependency.execution_delta:
        arguments["execution_delta"] = timedelta(minutes=dependency.execution_delta)
    module, name = (
        ("kedro_airflow_k8s.operators.sensor", "ExternalDagSensor")
        if dependency.check_existence
        else ("kedro_airflow_k8s.operators._airflow", "ExternalTaskSensor")
    )
    return TaskSpec(text.airflow_id("_".join(["wait_for", *waited_for])), Call(Ref(module, name), arguments))
