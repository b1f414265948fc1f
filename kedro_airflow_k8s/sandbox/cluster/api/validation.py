"""The rules that Kubernetes has for pods and claims, as far as a KubernetesPodOperator can break them.

What Kubernetes would take and the sandbox cannot do is refused as well, in words that say so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from kedro_airflow_k8s.sandbox.cluster.api import podrules
from kedro_airflow_k8s.sandbox.cluster.api.causes import required, unique, unknown, unsupported, wrong
from kedro_airflow_k8s.sandbox.cluster.api.schema import SHAPES, mismatches
from kedro_airflow_k8s.sandbox.cluster.objects import names
from kedro_airflow_k8s.sandbox.cluster.objects.refusal import Json, invalid

_ACCESS_MODES = ("ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany", "ReadWriteOncePod")


def check(item: Json) -> None:
    """Raise Refusal (422) with every rule that a pod or a claim breaks; its kind and its name are set."""
    kind, name = item["kind"], item["metadata"].get("name", "")
    causes = list(mismatches(item, SHAPES[kind]))
    # The rules rely on the types, so they are asked only of an object that has them.
    causes = causes or [*_metadata(item["metadata"]), *_RULES[kind](item.get("spec", {}))]
    if causes:
        raise invalid(kind, name, causes)


def check_metadata(item: Json) -> None:
    """Raise Refusal (422) with every rule that an object's name, labels and annotations break."""
    causes = list(mismatches(item["metadata"], SHAPES["Pod"]["metadata"], "metadata")) or list(
        _metadata(item["metadata"])
    )
    if causes:
        raise invalid(item["kind"], item["metadata"].get("name", ""), causes)


def _metadata(metadata: Json) -> Iterator[Json]:
    if not names.is_subdomain(metadata["name"]):
        yield wrong("metadata.name", metadata["name"], names.SUBDOMAIN_RULE)
    for key, value in metadata.get("labels", {}).items():
        if not names.is_label_key(key):
            yield wrong("metadata.labels", key, names.LABEL_KEY_RULE)
        if not names.is_label_value(value):
            yield wrong("metadata.labels", value, names.LABEL_VALUE_RULE)
    for key in metadata.get("annotations", {}):
        if not names.is_label_key(key.lower()):
            yield wrong("metadata.annotations", key, names.LABEL_KEY_RULE)


def _pod(spec: Json) -> Iterator[Json]:
    containers = spec.get("containers", [])
    if not containers:
        yield required("spec.containers")
    volumes = {volume.get("name", "") for volume in spec.get("volumes", [])}
    listed = [("spec.containers", containers), ("spec.initContainers", spec.get("initContainers", []))]
    for field, group in listed:
        for index, container in enumerate(group):
            yield from podrules.container(container, f"{field}[{index}]", volumes)
    yield from unique([c.get("name", "") for _, group in listed for c in group], "spec.containers.name")
    for index, volume in enumerate(spec.get("volumes", [])):
        yield from podrules.volume(volume, f"spec.volumes[{index}]")
    yield from unique([volume.get("name", "") for volume in spec.get("volumes", [])], "spec.volumes.name")
    for index, toleration in enumerate(spec.get("tolerations", [])):
        yield from podrules.toleration(toleration, f"spec.tolerations[{index}]")
    for key, value in spec.get("nodeSelector", {}).items():
        if not names.is_label_key(key):
            yield wrong("spec.nodeSelector", key, names.LABEL_KEY_RULE)
        if not names.is_label_value(value):
            yield wrong("spec.nodeSelector", value, names.LABEL_VALUE_RULE)
    if spec.get("restartPolicy", "Always") != "Never":
        yield unsupported("spec.restartPolicy", "the sandbox runs pods with restartPolicy Never only")
    if spec.get("activeDeadlineSeconds", 1) < 1:
        yield wrong("spec.activeDeadlineSeconds", spec["activeDeadlineSeconds"], "must be between 1 and 2147483647")
    if spec.get("terminationGracePeriodSeconds", 0) < 0:
        field = "spec.terminationGracePeriodSeconds"
        yield wrong(field, spec["terminationGracePeriodSeconds"], "must be greater than or equal to 0")


def _claim(spec: Json) -> Iterator[Json]:
    modes = spec.get("accessModes", [])
    if not modes:
        yield required("spec.accessModes", "at least 1 access mode is required")
    for mode in modes:
        if mode not in _ACCESS_MODES:
            yield unknown("spec.accessModes", mode, _ACCESS_MODES)
    requests = spec.get("resources", {}).get("requests", {})
    if "storage" not in requests:
        yield required("spec.resources[storage]")
    yield from podrules.resources(spec.get("resources", {}), "spec.resources")
    if "storageClassName" in spec and spec["storageClassName"] and not names.is_subdomain(spec["storageClassName"]):
        yield wrong("spec.storageClassName", spec["storageClassName"], names.SUBDOMAIN_RULE)


_RULES: dict[str, Callable[[Json], Iterator[Json]]] = {"Pod": _pod, "PersistentVolumeClaim": _claim}
