"""Label and field selectors: the text of a query becomes a predicate."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from kedro_airflow_k8s.sandbox.cluster.objects.names import (
    LABEL_KEY_RULE,
    LABEL_VALUE_RULE,
    is_label_key,
    is_label_value,
)
from kedro_airflow_k8s.sandbox.cluster.objects.refusal import bad_request

Labels = Mapping[str, str]
Predicate = Callable[[Mapping[str, Any]], bool]

_EQUALITY = re.compile(r"\s*([^\s=!<>()]+)\s*(==|=|!=)\s*([^\s=!<>()]*)\s*")
_SET = re.compile(r"\s*([^\s=!<>()]+)\s+(in|notin)\s*\(([^()]*)\)\s*")
_PRESENCE = re.compile(r"\s*(!?)\s*([^\s=!<>()]+)\s*")
_ORDER = re.compile(r"\s*([^\s=!<>()]+)\s*([<>])\s*(-?\d+)\s*")

# Kubernetes indexes only some fields of each resource, and refuses to select by any other.
_EVERYWHERE = frozenset({"metadata.name", "metadata.namespace"})
_FIELDS = {
    "pods": frozenset(
        {
            *("spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName"),
            *("status.phase", "status.podIP", "status.nominatedNodeName"),
        }
    ),
    "events": frozenset(
        {
            *(f"involvedObject.{part}" for part in ("kind", "namespace", "name", "uid", "apiVersion", "fieldPath")),
            *("involvedObject.resourceVersion", "reason", "reportingComponent", "type"),
        }
    ),
    "secrets": frozenset({"type"}),
}


def by_labels(selector: str) -> Predicate:
    """Return the test whether an object's labels match a selector; raise Refusal (400) for one that cannot be read."""
    # A comma within the parentheses of a set separates values, not requirements.
    parts = [part for part in re.split(r",(?![^(]*\))", selector) if selector.strip()]
    tests = [_requirement(part, selector) for part in parts]
    return lambda item: all(test(item.get("metadata", {}).get("labels") or {}) for test in tests)


def by_fields(selector: str, resource: str) -> Predicate:
    """Return the test whether an object's fields match a selector; raise Refusal (400) for one that is not served."""
    tests = [_field(part, selector, resource) for part in selector.split(",") if selector.strip()]
    return lambda item: all(test(item) for test in tests)


def _requirement(text: str, selector: str) -> Callable[[Labels], bool]:
    if match := _SET.fullmatch(text):
        key, word = match[1], match[2]
        values = {value.strip() for value in match[3].split(",")}
        _check(selector, key, *values)
        return lambda labels: (labels.get(key) in values) == (word == "in")
    if match := _EQUALITY.fullmatch(text):
        key, word, wanted = match[1], match[2], match[3]
        _check(selector, key, wanted)
        return lambda labels: (labels.get(key) == wanted) == (word != "!=")
    if match := _ORDER.fullmatch(text):
        key, word, bound = match[1], match[2], int(match[3])
        _check(selector, key)
        return lambda labels: _ordered(labels.get(key), word, bound)
    if match := _PRESENCE.fullmatch(text):
        word, key = match[1], match[2]
        _check(selector, key)
        return lambda labels: (key in labels) == (word == "")
    raise bad_request(f"unable to parse requirement: found {text!r} in the label selector {selector!r}")


def _check(selector: str, key: str, *values: str) -> None:
    start = f"unable to parse requirement of {selector!r}"
    if not is_label_key(key):
        raise bad_request(f"{start}: key: Invalid value: {key!r}: {LABEL_KEY_RULE}")
    for value in values:
        if not is_label_value(value):
            raise bad_request(f"{start}: values[{key}]: Invalid value: {value!r}: {LABEL_VALUE_RULE}")


def _ordered(value: str | None, sign: str, bound: int) -> bool:
    if value is None or not re.fullmatch(r"-?\d+", value):
        return False
    return int(value) > bound if sign == ">" else int(value) < bound


def _field(text: str, selector: str, resource: str) -> Predicate:
    match = re.fullmatch(r"([^=!]+)(==|=|!=)(.*)", text)
    if match is None:
        raise bad_request(f"invalid selector: {text!r} in the field selector {selector!r}; can't understand it")
    path, sign, value = match[1].strip(), match[2], match[3].strip()
    if path not in _EVERYWHERE | _FIELDS.get(resource, frozenset()):
        raise bad_request(f"field label not supported: {path}")
    return lambda item: (_value(item, path) == value) == (sign != "!=")


def _value(item: Mapping[str, Any], path: str) -> str:
    value: Any = item
    for key in path.split("."):
        value = value.get(key, "") if isinstance(value, Mapping) else ""
    return str(value)
