"""Puts together what the features contribute, and refuses what two of them say at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from kedro_airflow_k8s.model import Addition, Fragment
from kedro_airflow_k8s.plan.manifest import both_say, laid_over

_MAPS = ("dag", "functions", "defaults", "locals")
_TASKS = ("first", "before", "after")
_LISTS = (*_TASKS, "env", "args", "findings")


def combined(fragments: Iterable[tuple[str, Fragment]]) -> Fragment:
    """Return one fragment with what all of them have, in their order; each comes with the name of its feature.

    Raises `ValueError`, which tells of a mistake in this package, where two features give the same thing.
    """
    values: dict[str, Any] = {slot: {} for slot in (*_MAPS, "pod", "tasks")} | dict.fromkeys(_LISTS, ())
    owners: dict[str, str] = {}
    for feature, fragment in fragments:
        for what in _given(fragment):
            if what in owners:
                raise ValueError(f"the features {owners[what]} and {feature} both give {what}")
            owners[what] = feature
        for slot in _MAPS:
            values[slot] |= getattr(fragment, slot)
        for slot in _LISTS:
            values[slot] += getattr(fragment, slot)
        values["pod"] = laid_over(values["pod"], fragment.pod)
        for task_id, addition in fragment.tasks.items():
            values["tasks"][task_id] = _joined(values["tasks"].get(task_id, Addition()), addition)
    return Fragment(**values)


def _given(fragment: Fragment) -> Iterator[str]:
    """Yield the name of each thing that a fragment decides."""
    for slot in _MAPS:
        yield from (f"{slot}[{key}]" for key in getattr(fragment, slot))
    for slot in _TASKS:
        yield from (f"task {task.task_id}" for task in getattr(fragment, slot))
    yield from (f"pod.{path}" for path in _paths(fragment.pod))
    yield from (f"pod.spec.containers[base].env[{variable['name']}]" for variable in fragment.env)
    for task_id, addition in fragment.tasks.items():
        yield from (f"{key} of task {task_id}" for key in addition.arguments)
        yield from (f"pod.{path} of task {task_id}" for path in _paths(addition.pod))


def _paths(manifest: Mapping[str, Any]) -> Iterator[str]:
    return both_say(manifest, manifest)


def _joined(one: Addition, other: Addition) -> Addition:
    name = "_".join(name for name in (one.name, other.name) if name)
    return Addition({**one.arguments, **other.arguments}, laid_over(one.pod, other.pod), name)
