"""Puts together what the features contribute, and refuses what two of them say at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from kedro_airflow_k8s.model import Addition, Fragment
from kedro_airflow_k8s.plan.manifest import both_say, laid_over

_MAPS = ("dag", "functions", "defaults", "locals")
_LISTS = ("first", "env", "args", "findings")


def combined(fragments: Iterable[tuple[str, Fragment]]) -> Fragment:
    """Return one fragment with what all of them have, in their order; each comes with the name of its feature.

    The chains `before` and `after` stay with their features. Raises `ValueError`, which tells of a mistake in this
    package, where two features give the same thing.
    """
    values: dict[str, Any] = {slot: {} for slot in (*_MAPS, "pod", "tasks")} | dict.fromkeys(_LISTS, ())
    owners: dict[str, str] = {}

    def own(feature: str, what: str) -> None:
        if what in owners:
            raise ValueError(f"the features {owners[what]} and {feature} both give {what}")
        owners[what] = feature

    for feature, fragment in fragments:
        for slot in _MAPS:
            for key, value in getattr(fragment, slot).items():
                own(feature, f"{slot}[{key}]")
                values[slot][key] = value
        for slot in _LISTS:
            values[slot] += getattr(fragment, slot)
        for variable in fragment.env:
            own(feature, f"env[{variable['name']}]")
        for where in both_say(values["pod"], fragment.pod):
            own(feature, f"pod.{where}")
        for where in _leaves(fragment.pod):
            owners.setdefault(f"pod.{where}", feature)
        values["pod"] = laid_over(values["pod"], fragment.pod)
        for task_id, addition in fragment.tasks.items():
            values["tasks"][task_id] = _both(feature, task_id, values["tasks"].get(task_id, Addition()), addition)
    return Fragment(**values)


def _both(feature: str, task_id: str, one: Addition, other: Addition) -> Addition:
    twice = [*(key for key in one.arguments if key in other.arguments), *both_say(one.pod, other.pod)]
    if twice:
        raise ValueError(f"the feature {feature} gives {', '.join(twice)} of task {task_id}, as another does")
    names = [name for name in (one.name, other.name) if name]
    return Addition({**one.arguments, **other.arguments}, laid_over(one.pod, other.pod), "_".join(names))


def _leaves(manifest: Mapping[str, Any]) -> Iterable[str]:
    """Yield the paths of all values of a manifest."""
    return both_say(manifest, manifest)
