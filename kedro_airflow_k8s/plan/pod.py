"""Feature: the pod that all Kedro tasks have in common, and what `run_config.resources` changes of it for some."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from kedro_airflow_k8s.config import PluginConfig, Resources
from kedro_airflow_k8s.contract import PIPELINE_LABEL, PROJECT_LABEL, RESOURCES_ANNOTATION
from kedro_airflow_k8s.errors import PlanError
from kedro_airflow_k8s.model import Addition, Finding, Fragment, Rule
from kedro_airflow_k8s.plan import cluster, text
from kedro_airflow_k8s.plan.context import Context
from kedro_airflow_k8s.plan.manifest import filled, laid_over
from kedro_airflow_k8s.plan.text import argument, verbatim
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
    return Fragment(
        pod=laid_over(plain_pod(context), {"spec": {"containers": [{"name": CONTAINER, "args": _command(context)}]}}),
        defaults={**cluster.of_pods(run), "startup_timeout_seconds": run.startup_timeout},
        tasks={
            task_id: Addition(pod=_changes(entry, run.resources), name=entry)
            for task_id, entry in entries.items()
            if entry != DEFAULT_RESOURCES
        },
        findings=(
            *(Finding(UNKNOWN_PLACE, text) for text in _place(context.project, context.config)),
            *(Finding(UNKNOWN_RESOURCES, text) for text in _unknown(context)),
        ),
    )


def plain_pod(context: Context) -> dict[str, Any]:
    """Return a pod of the image, with the default resources, that runs nothing yet."""
    project, run = context.project, context.config.run_config
    container = {
        "name": CONTAINER,
        "image": verbatim(run.image or ""),
        "imagePullPolicy": run.image_pull_policy,
        "workingDir": verbatim(str(project_path(project, context.config))),
    }
    spec = {
        # Else the container's program is its process 1, which a signal does not end: a pod that is deleted would
        # go on for its whole grace period.
        "shareProcessNamespace": True,
        "serviceAccountName": run.service_account_name and verbatim(run.service_account_name),
        "imagePullSecrets": [{"name": verbatim(name)} for name in run.image_pull_secrets or ()],
        "containers": [container],
    }
    labels = {
        PROJECT_LABEL: text.label(project.name),
        PIPELINE_LABEL: text.label(project.pipeline),
    }
    skeleton = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": filled({"namespace": run.namespace and verbatim(run.namespace), "labels": labels}),
        "spec": filled(spec),
    }
    return laid_over(skeleton, _part(run.resources.get(DEFAULT_RESOURCES, Resources())))


def _part(resources: Resources) -> dict[str, Any]:
    """Return what an entry of the resources says of a pod."""
    amounts = filled({"requests": _verbatim(resources.requests), "limits": _verbatim(resources.limits)})
    spec: dict[str, Any] = filled({"nodeSelector": _verbatim(resources.node_selectors)})
    # An empty list is said as well: such a pod tolerates nothing.
    if "tolerations" in resources.model_fields_set:
        spec["tolerations"] = _tolerations(resources)
    if amounts:
        spec["containers"] = [{"name": CONTAINER, "resources": amounts}]
    metadata = {"labels": _verbatim(resources.labels), "annotations": _verbatim(resources.annotations)}
    return filled({"metadata": filled(metadata), "spec": spec})


def _changes(entry: str, resources: Mapping[str, Resources]) -> dict[str, Any]:
    """Return what an entry changes of the common pod, and its name, for Airflow to tell when memory did not suffice."""
    common = _part(resources.get(DEFAULT_RESOURCES, Resources()))
    part = _part(resources[entry])
    if laid_over(common, part) == common:
        return {}
    return laid_over(part, {"metadata": {"annotations": {RESOURCES_ANNOTATION: verbatim(entry)}}})


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


def _command(context: Context) -> list[str]:
    project = context.project
    option = "--pipeline" if len(project.selection) == 1 else "--pipelines"
    pipeline = [argument(f"{option}={','.join(project.selection)}")] if project.selection else []
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


def _tolerations(resources: Resources) -> list[dict[str, Any]]:
    return [
        {key: verbatim(value) if isinstance(value, str) else value for key, value in toleration if value is not None}
        for toleration in resources.tolerations
    ]


def _verbatim(values: Mapping[str, str]) -> dict[str, str]:
    return {key: verbatim(value) for key, value in values.items()}
