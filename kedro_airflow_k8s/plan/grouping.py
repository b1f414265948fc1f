"""Puts the nodes of a pipeline into groups, each of which one task runs."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from kedro_airflow_k8s.plan import text
from kedro_airflow_k8s.project import Node


@dataclass(frozen=True)
class Group:
    """Nodes that one task runs, in the order in which they run.

    `upstream` are the tasks that it waits for, in the pipeline's order, and `crossing` the datasets, by all names they
    go by, that come from or go to another group.
    """

    task_id: str
    nodes: tuple[Node, ...]
    upstream: tuple[str, ...] = ()
    crossing: tuple[str, ...] = ()


def grouped(nodes: Iterable[Node], taken: Collection[str]) -> tuple[Group, ...]:
    """Return the groups of a pipeline's nodes, one for each node; `taken` are task ids that they must not have."""
    blocks = {node.name: (node,) for node in nodes}
    task_ids = text.task_ids(blocks, taken)
    task_of = {node.name: task_ids[name] for name, block in blocks.items() for node in block}
    place = {task_id: number for number, task_id in enumerate(task_ids.values())}
    writers = _tasks_by_dataset((task_of[node.name], node.outputs) for block in blocks.values() for node in block)
    readers = _tasks_by_dataset((task_of[node.name], node.inputs) for block in blocks.values() for node in block)

    def crosses(dataset: str, own: str) -> bool:
        writing, reading = writers.get(base(dataset), set()), readers.get(base(dataset), set())
        return bool(own in writing and reading - {own}) or bool(own in reading and writing - {own})

    groups = []
    for name, block in blocks.items():
        own = task_ids[name]
        upstream = {task_of[parent] for node in block for parent in node.upstream} - {own}
        datasets = dict.fromkeys(dataset for node in block for dataset in (*node.outputs, *node.inputs))
        crossing = tuple(dataset for dataset in datasets if crosses(dataset, own))
        groups.append(Group(own, block, tuple(sorted(upstream, key=place.__getitem__)), crossing))
    return tuple(groups)


def base(dataset: str) -> str:
    """Return the name of a dataset without the format in which a node transcodes it."""
    return dataset.partition("@")[0]


def _tasks_by_dataset(uses: Iterable[tuple[str, Iterable[str]]]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for task_id, datasets in uses:
        for dataset in datasets:
            found.setdefault(base(dataset), set()).add(task_id)
    return found
