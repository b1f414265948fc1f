"""The plugin's DAGs in an Airflow, as a table or as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from kedro_airflow_k8s.terminal import visible

if TYPE_CHECKING:
    from kedro_airflow_k8s.airflow import Dag

_EXPERIMENT = "experiment_name:"


def table(dags: Sequence[Dag]) -> str:
    """Return a table of the names of experiments and the ids of DAGs."""
    from tabulate import tabulate

    # Ids such as 007 and 1e3 are no numbers.
    rows = [[visible(cell) for cell in row] for row in _rows(dags)]
    return tabulate(rows, headers=["Name", "ID"], disable_numparse=True)


def as_json(dags: Sequence[Dag]) -> str:
    """Return one line of JSON: a list of objects with `name` and `id`."""
    return json.dumps([{"name": name, "id": dag_id} for name, dag_id in _rows(dags)])


FORMATS: Mapping[str, Callable[[Sequence[Dag]], str]] = {"table": table, "json": as_json}


def _rows(dags: Sequence[Dag]) -> list[tuple[str, str]]:
    return sorted((_experiment(dag), dag.dag_id) for dag in dags)


def _experiment(dag: Dag) -> str:
    found = [tag.removeprefix(_EXPERIMENT) for tag in dag.tags if tag.startswith(_EXPERIMENT)]
    return found[0] if found else ""
