"""Feature: the DAGs that the pipeline waits for."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from kedro_airflow_k8s.config.schedule import as_cron
from kedro_airflow_k8s.config.sections import ExternalDependency
from kedro_airflow_k8s.errors import PlanError
from kedro_airflow_k8s.model import Call, Finding, Fragment, Ref, Rule, TaskSpec
from kedro_airflow_k8s.plan import text
from kedro_airflow_k8s.plan.context import Context

NO_RUN_TO_WAIT_FOR = Rule("no-run-to-wait-for", "warning")


def sensors(context: Context) -> Fragment:
    """Wait for each DAG or task that must have succeeded before; without a schedule nothing tells for which run.

    Raises `PlanError` for the DAG itself.
    """
    schedule = context.schedule
    if schedule is None:
        return Fragment()
    taken: set[str] = set()
    tasks = []
    for dependency in context.config.run_config.external_dependencies:
        if dependency.dag_id == context.dag_id:
            raise PlanError(f"run_config.external_dependencies: {context.dag_id} would wait for itself")
        name = "_".join(["wait_for", dependency.dag_id, *([dependency.task_id] if dependency.task_id else [])])
        task_id = text.numbered(text.airflow_id(name), taken)
        taken.add(task_id)
        tasks.append(TaskSpec(task_id, _sensor(dependency)))
    doubtful = Finding(
        NO_RUN_TO_WAIT_FOR,
        f"with the schedule {schedule} a run has a logical date of its own, at which the DAGs of"
        " run_config.external_dependencies hardly have a run to wait for",
    )
    return Fragment(first=tuple(tasks), findings=(doubtful,) if tasks and as_cron(schedule) is None else ())


def _sensor(dependency: ExternalDependency) -> Call:
    arguments: dict[str, Any] = {
        "external_dag_id": text.verbatim(dependency.dag_id),
        "external_task_id": dependency.task_id and text.verbatim(dependency.task_id),
        "check_existence": dependency.check_existence,
        "timeout": dependency.timeout * 60,
        # Between two looks it holds no worker; where sensors are deferred by default, `timeout` would not end them.
        "mode": "reschedule",
        "deferrable": False,
    }
    if dependency.execution_delta:
        arguments["execution_delta"] = timedelta(minutes=dependency.execution_delta)
    return Call(Ref("kedro_airflow_k8s.operators.sensor", "ExternalDagSensor"), arguments)
