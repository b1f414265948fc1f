"""The Kedro project as the plugin sees it; the only package that knows Kedro's API."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from kedro_airflow_k8s.project import docker, git, pipelines, requirements
from kedro_airflow_k8s.project.catalog import Dataset, datasets
from kedro_airflow_k8s.project.configuration import Source, layered_files, parts, sandbox_source, source
from kedro_airflow_k8s.project.git import Commit, is_ignored
from kedro_airflow_k8s.project.mlflow import Tracking, tracking
from kedro_airflow_k8s.project.pipelines import DEFAULT_PIPELINE, Node
from kedro_airflow_k8s.project.place import Place, place

__all__ = [
    "DEFAULT_PIPELINE",
    "Commit",
    "Dataset",
    "Node",
    "Place",
    "Project",
    "Source",
    "Tracking",
    "is_ignored",
    "load",
    "place",
    "sandbox_source",
    "source",
]


@dataclass(frozen=True)
class Project:
    """A Kedro project with one of its pipelines, in one environment.

    `selection` names the pipelines in which a pod's `kedro run` finds the nodes; none means the default one;
    `datasets` are those that the nodes read and write, by all names they go by, and `left_out` by their names those of
    them that are local files and in no image of the project. `absent` are the files of the configuration that no image
    has, but those of credentials. `workdir` is that of the Dockerfile as it stands there. `tracking` is what
    kedro-mlflow does if it is installed. `has_plugin` tells whether the project's requirements name this plugin.
    """

    name: str
    package: str
    path: Path
    env: str
    pipeline: str
    nodes: tuple[Node, ...]
    selection: tuple[str, ...] = ()
    datasets: Mapping[str, Dataset] = field(default_factory=dict)
    left_out: Mapping[str, str] = field(default_factory=dict)
    absent: tuple[str, ...] = ()
    commit: Commit | None = None
    workdir: PurePosixPath | None = None
    tracking: Tracking | None = None
    has_plugin: bool = True


def load(metadata: Any, env: str, pipeline: str) -> Project:
    """Load the project behind Kedro's `ProjectMetadata` with the pipeline of that name.

    Creates no Kedro context: its hooks contact other systems. Raises `ProjectError` or `ConfigError`.
    """
    nodes, selection = pipelines.read(pipeline)
    found = datasets(metadata, env, pipelines.datasets(nodes))
    # Credentials are left out on purpose, and what concerns MLflow is looked at there.
    files = layered_files(metadata, env, "catalog", "parameters", "globals")
    local = {name: dataset.local_path for name, dataset in found.items() if dataset.local_path}
    ignored = docker.left_out(metadata.project_path, [*local.values(), *files])
    return Project(
        name=metadata.project_name,
        package=metadata.package_name,
        path=metadata.project_path,
        env=env,
        pipeline=pipeline,
        nodes=nodes,
        selection=selection,
        datasets=found,
        left_out={name: ignored[path] for name, path in local.items() if path in ignored},
        absent=tuple(file for file in files if file in ignored),
        commit=git.commit(metadata.project_path, parts(metadata)),
        workdir=docker.workdir(metadata.project_path),
        tracking=tracking(metadata, env),
        has_plugin=requirements.names(metadata.project_path, "kedro-airflow-k8s"),
    )
