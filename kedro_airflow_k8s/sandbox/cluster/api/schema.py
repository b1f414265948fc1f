"""Which type each field of a pod or a claim has, as far as the sandbox reads it or a mistake there is common."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kedro_airflow_k8s.sandbox.cluster.objects.refusal import Json

# A shape is a type, a list of one shape, a dict of shapes by key, or a dict with the one key `*` for a map.
_TEXTS = {"*": str}


def _texts(names: str) -> dict[str, Any]:
    return dict.fromkeys(names.split(), str)


_META = {**_texts("name generateName namespace"), "labels": _TEXTS, "annotations": _TEXTS}
_REFERENCE = {**_texts("name key"), "optional": bool}
_RESOURCES: Json = {"requests": {}, "limits": {}}
_FILES = {"defaultMode": int, "optional": bool, "items": [{**_texts("key path"), "mode": int}]}
_SOURCE = {"secretKeyRef": _REFERENCE, "configMapKeyRef": _REFERENCE, "fieldRef": _texts("fieldPath")}
_CONTAINER = {
    **_texts("name image imagePullPolicy workingDir restartPolicy terminationMessagePath terminationMessagePolicy"),
    **dict.fromkeys(("tty", "stdin"), bool),
    "command": [str],
    "args": [str],
    "env": [{**_texts("name value"), "valueFrom": _SOURCE}],
    "envFrom": [{"prefix": str, "secretRef": _REFERENCE, "configMapRef": _REFERENCE}],
    "resources": _RESOURCES,
    "securityContext": {},
    "volumeMounts": [{**_texts("name mountPath subPath subPathExpr"), "readOnly": bool}],
}
_VOLUME = {
    "name": str,
    "persistentVolumeClaim": {"claimName": str, "readOnly": bool},
    "emptyDir": {},
    "secret": {"secretName": str, **_FILES},
    "configMap": {"name": str, **_FILES},
}
_SPEC = {
    **_texts("restartPolicy hostname serviceAccountName nodeName priorityClassName schedulerName"),
    **dict.fromkeys(("activeDeadlineSeconds", "terminationGracePeriodSeconds"), int),
    "containers": [_CONTAINER],
    "initContainers": [_CONTAINER],
    "securityContext": {},
    "affinity": {},
    **dict.fromkeys(("hostNetwork", "shareProcessNamespace"), bool),
    "imagePullSecrets": [_texts("name")],
    "nodeSelector": _TEXTS,
    "tolerations": [{**_texts("key operator value effect"), "tolerationSeconds": int}],
    "volumes": [_VOLUME],
}
_CLAIM = {"accessModes": [str], "resources": _RESOURCES, **_texts("storageClassName volumeMode")}
SHAPES: dict[str, Json] = {
    "Pod": {**_texts("kind apiVersion"), "metadata": _META, "spec": _SPEC},
    "PersistentVolumeClaim": {**_texts("kind apiVersion"), "metadata": _META, "spec": _CLAIM},
}

_NAMES = {str: "string", int: "integer", bool: "boolean", list: "list", dict: "object"}


def mismatches(value: object, shape: Any, field: str = "") -> Iterator[Json]:
    """Yield a cause for each value that is not of its field's type; fields without a shape may hold anything."""
    wanted = shape if isinstance(shape, type) else type(shape)
    # A bool is an int to Python, but not to JSON.
    if wanted is not object and type(value) is not wanted:
        message = f"Invalid value: {value!r}: must be of type {_NAMES[wanted]}, not {_NAMES.get(type(value), 'number')}"
        yield {"reason": "FieldValueTypeInvalid", "message": message, "field": field}
    elif isinstance(value, list) and isinstance(shape, list):
        for index, item in enumerate(value):
            yield from mismatches(item, shape[0], f"{field}[{index}]")
    elif isinstance(value, dict) and isinstance(shape, dict):
        for key, item in value.items():
            inner = shape.get("*", shape.get(key, object))
            where = f"{field}[{key}]" if "*" in shape else f"{field}.{key}".lstrip(".")
            yield from mismatches(item, inner, where)


def without_nulls(value: Any) -> Any:
    """Drop the keys whose value is null, which to Kubernetes is as if they were not written."""
    if isinstance(value, dict):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    return [without_nulls(item) for item in value] if isinstance(value, list) else value
