"""The tasks that run the groups of nodes, and their pods: what all features together make of them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any

from kedro_airflow_k8s.model import Addition, Call, Fragment, Local, Ref, TaskSpec
from kedro_airflow_k8s.plan.grouping import Group
from kedro_airflow_k8s.plan.manifest import filled, laid_over, readable
from kedro_airflow_k8s.plan.pod import CONTAINER
from kedro_airflow_k8s.plan.text import argument

OPERATOR = Ref("kedro_airflow_k8s.operators.node", "NodePodOperator")
POD, FUNCTIONS = "pod", "functions"
"""The names of the local variables that hold the pod of nodes without a tag, and the functions of its templates."""


def pods(groups: tuple[Group, ...], whole: Fragment) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the different pods by the local variables that hold them, and the variable of each task's pod.

    Raises `ValueError` if a feature adds to a task that is none of a group.
    """
    strangers = whole.tasks.keys() - {group.task_id for group in groups}
    if strangers:
        raise ValueError(f"features add to tasks that run no nodes: {', '.join(sorted(strangers))}")
    common = laid_over(whole.pod, _container(env=list(whole.env), args=[*_arguments(whole.pod), *whole.args]))
    held: dict[str, dict[str, Any]] = {POD: readable(common)}
    local_of: dict[str, str] = {}
    for group in groups:
        addition = whole.tasks[group.task_id]
        pod = readable(laid_over(common, addition.pod))
        same = [name for name, other in held.items() if other == pod]
        local_of[group.task_id] = same[0] if same else _local(addition, {*held, *whole.locals, FUNCTIONS})
        held[local_of[group.task_id]] = pod
    used = {*local_of.values(), *(_pod_of(task) for task in (*whole.before, *whole.after))}
    return {name: pod for name, pod in held.items() if name in used}, local_of


def _pod_of(task: TaskSpec) -> str | None:
    pod = task.call.kwargs.get("pod")
    return pod.name if isinstance(pod, Local) else None


def _container(**values: Any) -> dict[str, Any]:
    """Return the part of a pod that gives those values to the nodes' container."""
    return {"spec": {"containers": [{"name": CONTAINER, **filled(values)}]}}


def _arguments(pod: Mapping[str, Any]) -> list[str]:
    return next(list(each["args"]) for each in pod["spec"]["containers"] if each["name"] == CONTAINER)


def _local(addition: Addition, taken: Collection[str]) -> str:
    plain = re.sub(r"[^a-z0-9]+", "_", addition.name.lower()).strip("_")
    name = f"{plain}_{POD}" if plain.isidentifier() else f"{POD}_{plain}".rstrip("_")
    wanted, number = name, 2
    while name in taken:
        name, number = f"{wanted}_{number}", number + 1
    return name


def names(group: Group) -> list[str]:
    """Return the names of the nodes as arguments of the container."""
    return [argument(node.name) for node in group.nodes]


def commonest(local_of: Mapping[str, str]) -> str:
    """Return the local variable of the pod that most tasks have; of equally many the one without a name of its own."""
    count = Counter(local_of.values())
    return max(count, key=lambda name: (count[name], name == POD))


def node_tasks(groups: tuple[Group, ...], whole: Fragment, local_of: Mapping[str, str]) -> tuple[TaskSpec, ...]:
    """Return a task for each group, with the edges between them; the commonest pod is not said again."""
    usual = commonest(local_of)
    tasks = []
    for group in groups:
        local = local_of[group.task_id]
        pod = {} if local == usual else {"pod": Local(local)}
        arguments = {**whole.tasks[group.task_id].arguments, **pod}
        tasks.append(TaskSpec(group.task_id, Call(OPERATOR, arguments), group.upstream))
    return tuple(tasks)
