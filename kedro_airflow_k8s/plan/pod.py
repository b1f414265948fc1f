"""The pod that all Kedro tasks have in common, and what each node adds to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import Any

from kedro_airflow_k8s.config import PluginConfig, Resources
from kedro_airflow_k8s.errors import PlanError
from kedro_airflow_k8s.model import Call, Local, Ref, TaskSpec
from kedro_airflow_k8s.plan import text
from kedro_airflow_k8s.plan.text import argument, literal
from kedro_airflow_k8s.project import Node, Project

DEFAULT_RESOURCES = "__default__"
IMAGE_WORKDIR = PurePosixPath("/home/kedro_docker")
"""Where kedro-docker's image holds the project."""
_TAG = "resources."


def project_path(project: Project, config: PluginConfig) -> PurePosixPath:
    """Return where the project lies in the image: as configured, or as its Dockerfile or else kedro-docker has it."""
    return config.run_config.project_path or (None if _is_open(project) else project.workdir) or IMAGE_WORKDIR


def place_warnings(project: Project, config: PluginConfig) -> list[str]:
    """Return a warning if it is not known where the project lies."""
    if config.run_config.project_path or not _is_open(project):
        return []
    return [
        f"the WORKDIR of the Dockerfile is {project.workdir}, of which the variable's value is not known here; pods"
        f" take the project to be at {IMAGE_WORKDIR} unless run_config.project_path says where it is"
    ]


def _is_open(project: Project) -> bool:
    return "$" in str(project.workdir)


def pod_arguments(config: PluginConfig) -> dict[str, Any]:
    """Return the arguments that every operator has which runs such a pod."""
    run = config.run_config
    calls = run.macro_params or run.variables_params or run.env_vars
    functions = {"functions": Local("functions")} if calls else {}
    return {"pod": Local("pod"), **functions, "startup_timeout_seconds": run.startup_timeout}


def pod(project: Project, config: PluginConfig, features: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the pod, in Kubernetes' words, with what the features add to its `spec` and its `container`."""
    run = config.run_config
    resources = run.resources.get(DEFAULT_RESOURCES, Resources())
    container = {
        "name": "base",
        "image": literal(run.image or ""),
        "imagePullPolicy": run.image_pull_policy,
        "workingDir": literal(str(project_path(project, config))),
        "args": _command(project),
        "resources": _filled({"requests": _literals(resources.requests), "limits": _literals(resources.limits)}),
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
    spec = _filled(spec)
    for feature in features:
        spec = _added(spec, feature.get("spec", {}))
        container = _added(container, feature.get("container", {}))
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": _filled(metadata),
        "spec": {**spec, "containers": [container]},
    }


def _added(base: Mapping[str, Any], extra: Mapping[str, Any]) -> dict[str, Any]:
    """Add entries: lists go on where they are, everything else is new."""
    joined = {key: base.get(key, []) + value if isinstance(value, list) else value for key, value in extra.items()}
    return {**base, **_filled(joined)}


def node_tasks(
    project: Project, config: PluginConfig, taken: tuple[str, ...]
) -> tuple[tuple[TaskSpec, ...], list[str]]:
    """Return a task for each node, with the edges between them, and warnings; `taken` are task ids not to use."""
    task_ids = text.task_ids([node.name for node in project.nodes], taken)
    unnamed = [node.name for node in project.nodes if not node.named]
    warnings = [f"node {name!r} has no name of its own: its task id changes with its function" for name in unnamed]
    tasks = []
    for node in project.nodes:
        entry = _resources_entry(node, config.run_config.resources, warnings)
        arguments = {"nodes": [argument(node.name)], **_own(config.run_config.resources, entry)}
        operator = Ref("kedro_airflow_k8s.operators.node", "NodePodOperator")
        upstream = tuple(task_ids[name] for name in node.upstream)
        tasks.append(TaskSpec(task_ids[node.name], Call(operator, arguments), upstream))
    return tuple(tasks), warnings


def _command(project: Project) -> list[str]:
    pipeline = [argument(f"--pipeline={project.selection}")] if project.selection else []
    return ["kedro", "run", argument(f"--env={project.env}"), *pipeline]


def _resources_entry(node: Node, resources: Mapping[str, Resources], warnings: list[str]) -> str:
    named = [tag.removeprefix(_TAG) for tag in node.tags if tag.startswith(_TAG)]
    if len(named) > 1:
        tags = ", ".join(f"{_TAG}{name}" for name in named)
        raise PlanError(f"node {node.name!r} has several resources tags ({tags}); leave it one")
    if not named:
        return DEFAULT_RESOURCES
    if named[0] not in resources:
        known = ", ".join(sorted(resources)) or "none"
        warnings.append(
            f"node {node.name!r} is tagged {_TAG}{named[0]}, but run_config.resources has no such entry"
            f" (it has: {known}); it gets {DEFAULT_RESOURCES}"
        )
        return DEFAULT_RESOURCES
    return named[0]


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
    arguments = _filled(arguments)
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


def _filled(values: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what is empty: what a pod does not say, Kubernetes decides."""
    return {key: value for key, value in values.items() if value not in (None, {}, [])}
