"""The scheduler: whether the one node can take a pod, and what it says if not."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal

from kedro_airflow_k8s.sandbox.cluster.control.claims import Claims, claim_names
from kedro_airflow_k8s.sandbox.cluster.objects import names
from kedro_airflow_k8s.sandbox.cluster.objects.node import NODE
from kedro_airflow_k8s.sandbox.cluster.objects.refusal import Json
from kedro_airflow_k8s.sandbox.cluster.objects.store import Store
from kedro_airflow_k8s.sandbox.cluster.settings import NodeSize

# What the scheduler adds about the eviction of other pods, which it considers next.
_HELPLESS = "preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling."
_NO_VICTIMS = "preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod."


class Scheduler:
    """Decides for each pod of a store whether it gets the node."""

    def __init__(self, store: Store, claims: Claims, size: NodeSize) -> None:
        self._store = store
        self._claims = claims
        self._size = size

    def problem(self, pod: Json) -> str | None:
        """Return why no node can take a pod, in the words of its event; None if the node can."""
        for name in claim_names(pod):
            if why := self._claims.problem(pod["metadata"]["namespace"], name):
                return f"0/1 nodes are available: {why}. {_HELPLESS}"
        if not self._matches(pod["spec"]):
            why = "1 node(s) didn't match Pod's node affinity/selector"
            return f"0/1 nodes are available: {why}. {_HELPLESS}"
        if lacking := self._lacking(pod):
            why = ", ".join(f"1 {'Too many pods' if name == 'pods' else f'Insufficient {name}'}" for name in lacking)
            return f"0/1 nodes are available: {why}. {_NO_VICTIMS}"
        return None

    def bind(self, pod: Json) -> bool:
        """Bind the claims of a pod that fits the node; return whether all of them are bound now."""
        namespace = pod["metadata"]["namespace"]
        bound = [self._claims.bind_for_pod(namespace, name) for name in claim_names(pod)]
        return all(bound)

    def _matches(self, spec: Json) -> bool:
        if self._size.labels is None:
            return True
        labels = {"kubernetes.io/hostname": NODE, **self._size.labels}
        if any(labels.get(key) != value for key, value in spec.get("nodeSelector", {}).items()):
            return False
        affinity = spec.get("affinity", {}).get("nodeAffinity", {})
        wanted = affinity.get("requiredDuringSchedulingIgnoredDuringExecution")
        terms = [] if wanted is None else wanted.get("nodeSelectorTerms", [])
        return wanted is None or any(
            all(_holds(expression, labels) for expression in term.get("matchExpressions", [])) for term in terms
        )

    def _lacking(self, pod: Json) -> list[str]:
        """Return the resources of which the node has too little left, in the scheduler's order."""
        others = [
            other["spec"]
            for other in self._store.all("pods")
            if "nodeName" in other["spec"] and other["status"]["phase"] not in ("Succeeded", "Failed")
        ]
        return [
            name
            for name, size in sorted(self._size.resources.items(), key=lambda item: item[0] != "pods")
            if (wanted := requested(pod["spec"], name)) > 0
            and wanted + sum(requested(spec, name) for spec in others) > (names.quantity(size) or 0)
        ]


def requested(spec: Json, name: str) -> Decimal:
    """Return how much a pod requests of a resource: its containers together, or an init container if that is more."""
    if name == "pods":
        return Decimal(1)
    together = sum(_amounts(spec["containers"], name), Decimal(0))
    return max([together, *_amounts(spec.get("initContainers", []), name)])


def _amounts(containers: Iterable[Json], name: str) -> list[Decimal]:
    found = []
    for container in containers:
        resources = container.get("resources", {})
        # A limit without a request is a request.
        text = resources.get("requests", {}).get(name, resources.get("limits", {}).get(name, 0))
        found.append(names.quantity(text) or Decimal(0))
    return found


def _holds(expression: Json, labels: dict[str, str]) -> bool:
    value, values = labels.get(expression["key"]), expression.get("values", [])
    match expression["operator"]:
        case "In":
            return value in values
        case "NotIn":
            return value not in values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
    # Gt and Lt, which compare numbers.
    if value is None or not all(re.fullmatch(r"-?\d+", text) for text in (value, *values[:1])):
        return False
    return int(value) > int(values[0]) if expression["operator"] == "Gt" else int(value) < int(values[0])
