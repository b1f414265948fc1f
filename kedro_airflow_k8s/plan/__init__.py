"""Decides what the DAG is: a project and its configuration become a `Plan`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from typing import Any

from kedro_airflow_k8s import __version__
from kedro_airflow_k8s.config import PluginConfig
from kedro_airflow_k8s.contract import FINAL_TASK, NODE_GROUP, SENSOR_GROUP, TAG
from kedro_airflow_k8s.errors import PlanError
from kedro_airflow_k8s.model import Addition, Call, DagSpec, Finding, Fragment, Local, Plan, Ref, Rule, TaskSpec
from kedro_airflow_k8s.plan import text
from kedro_airflow_k8s.plan.context import Context
from kedro_airflow_k8s.plan.data import data
from kedro_airflow_k8s.plan.fragments import combined
from kedro_airflow_k8s.plan.grouping import grouped
from kedro_airflow_k8s.plan.inputs import inputs
from kedro_airflow_k8s.plan.intermediate import intermediate
from kedro_airflow_k8s.plan.mlflow import mlflow
from kedro_airflow_k8s.plan.pod import pod
from kedro_airflow_k8s.plan.sensors import sensors
from kedro_airflow_k8s.plan.storage import storage
from kedro_airflow_k8s.plan.tasks import FUNCTIONS, commonest, names, node_tasks, pods
from kedro_airflow_k8s.project import DEFAULT_PIPELINE, Project

FEATURES: tuple[Callable[[Context], Fragment], ...] = (pod, sensors, storage, inputs, mlflow, intermediate, data)
FINAL = TaskSpec(FINAL_TASK, Call(Ref("kedro_airflow_k8s.operators._airflow", "EmptyOperator")))
"""The one leaf of the DAG: Airflow takes the state of a run from its leaves."""
TAKEN = (NODE_GROUP, SENSOR_GROUP, FINAL_TASK)
"""Ids of groups and tasks that no Kedro task may have; the other tasks' have an underscore, which no slug has."""
RENAMED_DAG = Rule("renamed-dag", "warning")
UNNAMED_NODE = Rule("unnamed-node", "warning")


def plan(
    project: Project,
    config: PluginConfig,
    *,
    command: str,
    today: date,
    name: str | None = None,
    scheduled: bool = True,
    allow_memory: bool = False,
) -> Plan:
    """Plan the DAG of the project's pipeline.

    `command` is what the user can repeat to make the file again, `today` (UTC) dates a DAG outside git, and `name`
    overrides the DAG's id; `allow_memory` lets datasets pass in memory between tasks. Raises `PlanError`.
    """
    wanted, dag_id = identify(config, project.pipeline, name)
    schedule = config.run_config.cron_expression if scheduled else None
    groups = grouped(project.nodes, TAKEN)
    context = Context(project, config, groups, dag_id, schedule, allow_memory)
    own = Fragment(
        dag=_arguments(context, today),
        tasks={group.task_id: Addition({"nodes": names(group)}) for group in groups},
        findings=tuple(_names(project, wanted, dag_id)),
    )
    fragments = {"plan": own, **{feature.__name__: feature(context) for feature in FEATURES}}
    whole = combined(fragments.items())
    held, local_of = pods(groups, whole)
    functions = {FUNCTIONS: whole.functions} if whole.functions else {}
    handed = {name: Local(name) for name in functions}
    own = Fragment(locals={**functions, **held}, defaults={"pod": Local(commonest(local_of)), **handed})
    whole = combined([("features", whole), ("plan", own)])
    dag = DagSpec(
        dag_id=dag_id,
        doc=_documentation(project, config, command),
        arguments=whole.dag,
        nodes=node_tasks(groups, whole, local_of),
        final=FINAL,
        defaults=whole.defaults,
        locals=whole.locals,
        first=whole.first,
        before=tuple(_handed(fragment.before, handed) for fragment in fragments.values() if fragment.before),
        after=tuple(_handed(_clean_up(fragment), handed) for fragment in fragments.values() if fragment.after),
    )
    return Plan(dag, whole.findings)


def _arguments(context: Context, today: date) -> dict[str, Any]:
    run = context.config.run_config
    return {
        "description": run.description,
        "schedule": context.schedule,
        "start_date": _start(context.project, context.config, today, scheduled=context.schedule is not None),
        "catchup": run.catchup,
        **({"max_active_runs": 1} if context.schedule == "@continuous" else {}),
        "tags": _tags(context.project, context.config),
    }


def _names(project: Project, wanted: str, dag_id: str) -> Iterator[Finding]:
    """Yield what is to be said of the names of the DAG and its nodes."""
    if dag_id != wanted:
        yield Finding(RENAMED_DAG, f"the DAG is called {dag_id!r}: {wanted!r} cannot be an id in Airflow")
    for node in project.nodes:
        if not node.named:
            yield Finding(
                UNNAMED_NODE, f"node {node.name!r} has no name of its own: its task id changes with its function"
            )


def _handed(chain: tuple[TaskSpec, ...], arguments: Mapping[str, Any]) -> tuple[TaskSpec, ...]:
    """Return the tasks, those that run a pod with the functions that its templates call."""
    return tuple(
        replace(task, call=Call(task.call.target, {**task.call.kwargs, **arguments}))
        if "pod" in task.call.kwargs
        else task
        for task in chain
    )


def _clean_up(fragment: Fragment) -> tuple[TaskSpec, ...]:
    """Return what a feature does after the nodes, and not before its own preparations are over.

    Where those of another feature fail, the nodes are given up while these may still go on.
    """
    if not fragment.before:
        return fragment.after
    return replace(fragment.after[0], upstream=(fragment.before[-1].task_id,)), *fragment.after[1:]


def identify(config: PluginConfig, pipeline: str, name: str | None) -> tuple[str, str]:
    """Return how the DAG of a pipeline should be called, and its id. Raises `PlanError` if there is no id like it."""
    base = name or config.run_config.run_name or config.run_config.experiment_name
    wanted = base if name or pipeline == DEFAULT_PIPELINE else f"{base}-{pipeline}"
    dag_id = text.airflow_id(wanted)
    if not dag_id:
        where = "--dag-name" if name else "run_name"
        raise PlanError(f"{wanted!r} cannot be a DAG id, which has letters, digits, '-', '_' and '.'; change {where}")
    return wanted, dag_id


def _documentation(project: Project, config: PluginConfig, command: str) -> str:
    more = ", and changes that are not committed" if project.commit and project.commit.changed else ""
    return (
        f"Kedro pipeline {_code(project.pipeline)} of project {project.name}, each node in a pod of its own.\n"
        "\n"
        f"- Environment: {_code(project.env)}\n"
        f"- Commit: {_code(_sha(project))}{more}\n"
        f"- Image: {_code(config.run_config.image or '')}\n"
        "\n"
        f"{_way_out(config)}\n"
        "\n"
        f"Generated by kedro-airflow-k8s {__version__}; edits will be overwritten. To generate it again:\n"
        "\n"
        f"    {command}\n"
    )


def _way_out(config: PluginConfig) -> str:
    """Say how a run that has failed is run again."""
    volume = config.run_config.volume
    if volume.disabled:
        return "To go on with a failed run, clear its failed task and what is downstream of it."
    if volume.keep_on_failure:
        return (
            "To go on with a failed run, clear its failed task and what is downstream of it; its volume is kept until"
            " its nodes have succeeded."
        )
    return (
        "To repeat a failed run, clear all of it: a single node would lack the volume, which was removed with what the"
        " other nodes had written."
    )


def _code(value: str) -> str:
    """Return the text as inline code of Markdown, whatever it contains."""
    fence = "`"
    while fence in value:
        fence += "`"
    line = " ".join(value.split())
    return f"{fence}{line}{fence}" if len(fence) == 1 else f"{fence} {line} {fence}"


def _tags(project: Project, config: PluginConfig) -> list[str]:
    tags = [
        TAG,
        f"commit_sha:{_sha(project)}",
        f"generated_with_kedro_airflow_k8s:{__version__}",
        f"experiment_name:{text.slug(config.run_config.experiment_name)}",
    ]
    return [text.shortened(tag, text.TAG_LENGTH) for tag in tags]


def _sha(project: Project) -> str:
    return project.commit.sha if project.commit else "UNKNOWN"


def _start(project: Project, config: PluginConfig, today: date, *, scheduled: bool) -> datetime:
    base = config.run_config.start_date
    default = (project.commit.when.date() if project.commit else today) - timedelta(days=2)
    # Of a run before this date Airflow executes no task, and calls it a success.
    if base is None or (not scheduled and base > default):
        base = default
    return datetime(base.year, base.month, base.day, tzinfo=timezone.utc)
