"""The tasks that run the groups of nodes, and their pods: what all features together make of them."""

from __future__ import annotations

from typing import Any

from kedro_airflow_k8s.model import Addition, Call, Fragment, Ref, TaskSpec
from kedro_airflow_k8s.plan.grouping import Group
from kedro_airflow_k8s.plan.manifest import filled, laid_over
from kedro_airflow_k8s.plan.text import argument

OPERATOR = Ref("kedro_airflow_k8s.operators.node", "NodePodOperator")


def common_pod(whole: Fragment) -> dict[str, Any]:
    """Return the pod that all Kedro tasks have in common."""
    spec = dict(whole.pod["spec"])
    first, *others = spec.pop("containers")
    own = laid_over({**first, "args": [*first["args"], *whole.args]}, filled({"env": list(whole.env)}))
    # A reader of the file finds names before values from elsewhere, and the containers at the end of the pod.
    container = {key: own[key] for key in sorted(own, key="envFrom".__eq__)}
    return {**whole.pod, "spec": {**spec, "containers": [container, *others]}}


def node_tasks(groups: tuple[Group, ...], whole: Fragment) -> tuple[TaskSpec, ...]:
    """Return a task for each group, with the edges between them."""
    tasks = []
    for group in groups:
        addition = whole.tasks.get(group.task_id, Addition())
        nodes = [argument(node.name) for node in group.nodes]
        tasks.append(TaskSpec(group.task_id, Call(OPERATOR, {"nodes": nodes, **addition.arguments}), group.upstream))
    return tuple(tasks)
