"""What a feature looks at to decide what it contributes."""

from __future__ import annotations

from dataclasses import dataclass

from kedro_airflow_k8s.config import PluginConfig
from kedro_airflow_k8s.plan.grouping import Group
from kedro_airflow_k8s.project import Project


@dataclass(frozen=True)
class Context:
    """A project, its configuration, and what is decided of the DAG before the features are asked.

    `schedule` is that of this DAG, which may be none where one is configured; `allow_memory` tells that the user lets
    datasets pass in memory between tasks.
    """

    project: Project
    config: PluginConfig
    groups: tuple[Group, ...]
    dag_id: str
    schedule: str | None = None
    allow_memory: bool = False
