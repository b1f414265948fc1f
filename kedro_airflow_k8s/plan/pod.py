"""Feature: the pod that all Kedro tasks have in common, and what `run_config.resources` changes of it for some."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from kedro_airflow_k8s.config import PluginConfig, Resources
from kedro_airflow_k8s.errors import PlanError
from kedro_airflow_k8s.model import Addition, Finding, Fragment, Rule
from kedro_airflow_k8s.plan import text
from kedro_airflow_k8s.plan.context import Context
from kedro_airflow_k8s.plan.manifest import filled
from kedro_airflow_k8s.plan.text import argument, literal
from kedro_airflow_k8s.project import Node, Project

DEFAULT_RESOURCES = "__default__"
CONTAINER = "base"
"""The name of the container that runs the nodes, as Airflow's operator calls it."""
IMAGE_WORKDIR = PurePosixPath("/home/kedro_docker")
"""Where kedro-docker's image holds the project."""
UNKNOWN_PLACE = Rule("unknown-project-path", "warning")
UNKNOWN_RESOURCES = Rule("unknown-resources", "warning")
_TAG = "resources."


def pod(context: Context) -> Fragment:
    """Run the image with the pipeline's command, as `run_config` and the resources of each node want it.

    Raises `PlanError` for a node with several resources tags.
    """
    run = context.config.run_config
    entries = {group.task_id: _entry(group.nodes[0], run.resources) for group in context.groups}
    additions = {task_id: _own(run.resources, entry) for task_id, entry in entries.items() if entry in run.resources}
    return Fragment(
        pod=common(context.project, context.config),
        defaults={"startup_timeout_seconds": run.startup_timeout},
        tasks={task_id: Addition(arguments) for task_id, arguments in additions.items() if arguments},
        findings=(
            *(Finding(UNKNOWN_PLACE, text) for text in _place(context.project, context.config)),
            *(Finding(UNKNOWN_RESOURCES, text) for text in _unknown(context)),
        ),
    )


def project_path(project: Project, config: PluginConfig) -> PurePosixPath:
    """Return where the project lies in the image: as configured, or as its Dockerfile or else kedro-docker has it."""
    return config.run_config.project_path or (None if _is_open(project) else project.workdir) or IMAGE_WORKDIR


def _place(project: Project, config: PluginConfig) -> Iterator[str]:
    """Yield a warning if it is not known where the project lies."""
    if _is_open(project) and not config.run_config.project_path:
        yield (
            f"the WORKDIR of the Dockerfile is {project.workdir}, of which the variable's value is not known here; pods"
            f" take the project to be at {IMAGE_WORKDIR} unless run_config.project_path says where it is"
        )


def _is_open(project: Project) -> bool:
    return "$" in str(project.workdir)


def common(project: Project, config: PluginConfig) -> dict[str, Any]:
    """Return the pod of a node without a resources tag, in Kubernetes' words."""
    run = config.run_config
    resources = run.resources.get(DEFAULT_RESOURCES, Resources())
    container = {
        "name": CONTAINER,
        "image": literal(run.image or ""),
        "imagePullPolicy": run.image_pull_policy,
        "workingDir": literal(str(project_path(project, config))),
        "args": _command(project),
        "resources": filled({"requests": _literals(resources.requests), "limits": _literals(resources.limits)}),
    }
    spec = {
        "serviceAccountName": run.service_account_name and literal(run.service_account_name),
        "imagePullSecrets": [{"name": literal(name)} for name in run.image_pull_secrets or ()],
        "nodeSelector": _literals(resources.node_selectors),
        "tolerations": _tolerations(resources),
    }
    labels = {
        "kedro-airflow-k8s/project": text.label(project.name),
        "kedro-airflow-k8s/pipeline": text.label(project.pipeline),
    }
    metadata = {
        "namespace": literal(run.namespace),
        "labels": {**labels, **_literals(resources.labels)},
        "annotations": _literals(resources.annotations),
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": filled(metadata),
        "spec": {**filled(spec), "containers": [container]},
    }


def _command(project: Project) -> list[str]:
    pipeline = [argument(f"--pipeline={project.selection}")] if project.selection else []
    return ["kedro", "run", argument(f"--env={project.env}"), *pipeline]


def _named(node: Node) -> list[str]:
    return [tag.removeprefix(_TAG) for tag in node.tags if tag.startswith(_TAG)]


def _entry(node: Node, resources: Mapping[str, Resources]) -> str:
    """Return the resources entry of a node."""
    named = _named(node)
    if len(named) > 1:
        tags = ", ".join(f"{_TAG}{name}" for name in named)
        raise PlanError(f"node {node.name!r} has several resources tags ({tags}); leave it one")
    return named[0] if named and named[0] in resources else DEFAULT_RESOURCES


def _unknown(context: Context) -> Iterator[str]:
    resources = context.config.run_config.resources
    for node in context.project.nodes:
        for name in _named(node):
            if name not in resources:
                known = ", ".join(sorted(resources)) or "none"
                yield (
                    f"node {node.name!r} is tagged {_TAG}{name}, but run_config.resources has no such entry"
                    f" (it has: {known}); it gets {DEFAULT_RESOURCES}"
                )


def _own(resources: Mapping[str, Resources], entry: str) -> dict[str, Any]:
    """Return the arguments by which a node of this entry differs from the common pod."""
    if entry == DEFAULT_RESOURCES:
        return {}
    default, own = resources.get(DEFAULT_RESOURCES, Resources()), resources[entry]
    maps = ("labels", "annotations", "node_selectors", "requests", "limits")
    differing = {
        key: {name: value for name, value in getattr(own, key).items() if getattr(default, key).get(name) != value}
        for key in maps
    }
    arguments: dict[str, Any] = {key: _literals(entries) for key, entries in differing.items()}
    arguments = filled(arguments)
    # An empty list is said as well: this node then tolerates nothing.
    if "tolerations" in own.model_fields_set and own.tolerations != default.tolerations:
        arguments["tolerations"] = _tolerations(own)
    return arguments


def _tolerations(resources: Resources) -> list[dict[str, Any]]:
    return [
        {key: literal(value) if isinstance(value, str) else value for key, value in toleration if value is not None}
        for toleration in resources.tolerations
    ]


def _literals(values: Mapping[str, str]) -> dict[str, str]:
    return {key: literal(value) for key, value in values.items()}
