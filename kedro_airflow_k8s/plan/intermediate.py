"""Feature: data that passes between tasks and that the catalog would keep in memory."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import timedelta

from kedro_airflow_k8s.contract import (
    DELETE_INTERMEDIATE_TASK,
    INTERMEDIATE_DATASETS,
    STORE,
    STORE_CREDENTIALS,
)
from kedro_airflow_k8s.errors import PlanError
from kedro_airflow_k8s.model import Call, Finding, Fragment, Local, Ref, Rule, TaskSpec
from kedro_airflow_k8s.plan import cluster, text
from kedro_airflow_k8s.plan.context import Context
from kedro_airflow_k8s.plan.data import passage
from kedro_airflow_k8s.plan.grouping import base
from kedro_airflow_k8s.plan.text import RUN_ID, argument

FOLDER = "data/.kedro-airflow-k8s"
"""Where in the run's volume it lies, relative to the project: beside what the catalog has there."""
PASSED_ON = Rule("intermediate-data", "note")
NO_PLUGIN = Rule("plugin-not-in-image", "warning")
_SHOWN = 5
_NAME = 60


def intermediate(context: Context) -> Fragment:
    """Have the pods hand on what no task can keep in memory for another, through the run's volume or a URL.

    Raises `PlanError` that names each dataset if there is nowhere to hand it on.
    """
    settings, volume = context.config.run_config.intermediate_data, context.config.run_config.volume
    passing = in_memory(context)
    if not passing or context.allow_memory:
        return Fragment()
    place = settings.place(volume=not volume.disabled)
    if place is None:
        raise PlanError(_refusal(context, passing))
    if place == "volume" and volume.disabled:
        raise PlanError(
            "intermediate data cannot go to the run's volume, since run_config.volume.disabled is true; name a URL such"
            " as s3://bucket/prefix in run_config.intermediate_data.store, or leave the volume enabled"
        )
    at_url = place != "volume"
    folder = f"{argument(place)}/{text.dns_name(context.dag_id, _NAME)}-{RUN_ID}" if at_url else FOLDER
    producers = {name: _producer(context, name) for name in passing}
    env = [
        {"name": STORE, "value": folder},
        {"name": INTERMEDIATE_DATASETS, "value": argument(json.dumps(producers, indent=1))},
    ]
    if at_url and settings.credentials:
        env.append({"name": STORE_CREDENTIALS, "value": argument(settings.credentials)})
    return Fragment(
        env=tuple(env),
        after=(_removal(context),) if at_url else (),
        findings=(
            Finding(PASSED_ON, _note(passing, place)),
            *(Finding(NO_PLUGIN, each) for each in _missing_plugin(context)),
        ),
    )


def in_memory(context: Context) -> list[str]:
    """Return the datasets that one task writes and another reads and that the catalog keeps in memory."""
    datasets = context.project.datasets
    crossing = dict.fromkeys(name for group in context.groups for name in group.crossing)
    return [name for name in crossing if name in datasets and datasets[name].in_memory]


def _producer(context: Context, name: str) -> str:
    return next(
        group.task_id
        for group in context.groups
        for node in group.nodes
        if base(name) in {base(output) for output in node.outputs}
    )


def _removal(context: Context) -> TaskSpec:
    settings = context.config.run_config.intermediate_data
    arguments = {
        "pod": Local("pod"),
        "args": ["python", "-m", "kedro_airflow_k8s.image.clean", argument(context.project.env)],
        **cluster.of_pods(context.config.run_config),
        "startup_timeout_seconds": context.config.run_config.startup_timeout,
        "retries": 3,
        "retry_delay": timedelta(seconds=30),
        # With all_success a failed run keeps its data: the task ends as upstream_failed.
        "trigger_rule": "all_success" if settings.keep_on_failure else "all_done",
    }
    operator = Ref("kedro_airflow_k8s.operators.intermediate", "DeleteIntermediateDataOperator")
    return TaskSpec(DELETE_INTERMEDIATE_TASK, Call(operator, arguments))


def _note(names: list[str], place: str) -> str:
    more = f" and {len(names) - _SHOWN} others" if len(names) > _SHOWN else ""
    where = "the run's volume" if place == "volume" else place
    one, many = "1 dataset is not in the catalog and passes", f"{len(names)} datasets are not in the catalog and pass"
    many = one if len(names) == 1 else many
    return f"{many} between tasks through {where}: {', '.join(map(repr, names[:_SHOWN]))}{more}"


def _missing_plugin(context: Context) -> Iterator[str]:
    if not context.project.has_plugin:
        yield (
            "the project's requirements do not name kedro-airflow-k8s, which hands on this data in the pods; add it to"
            " requirements.txt, so that the image has it"
        )


def _refusal(context: Context, names: Iterable[str]) -> str:
    passages = dict.fromkeys(passage(context.project.nodes, name) for name in names)
    shown = "\n".join(f"  {line}" for line in passages)
    first = next(iter(names))
    return (
        f"these datasets would pass in memory between tasks, which share none:\n{shown}\n"
        "Name a store for them in run_config.intermediate_data.store, such as s3://bucket/prefix; or give each an entry"
        f" in the catalog, such as {first}: {{type: pickle.PickleDataset, filepath: data/{first}.pkl}}"
    )
