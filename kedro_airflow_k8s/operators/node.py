"""The operator that runs Kedro nodes."""

from __future__ import annotations

from typing import Any

from airflow.providers.cncf.kubernetes.pod_generator import make_safe_label_value

from kedro_airflow_k8s.contract import NODE_LABEL
from kedro_airflow_k8s.operators.pod import PlainPodOperator


class NodePodOperator(PlainPodOperator):
    """Run Kedro nodes in a pod: the given one, whose first container is told the names of the nodes."""

    def __init__(self, *, pod: dict[str, Any], nodes: list[str], **kwargs: Any) -> None:
        metadata, spec = pod["metadata"], pod["spec"]
        container, *others = spec["containers"]
        # Airflow reduces a name without ASCII letters to "-<digest>"; Kubernetes refuses a leading hyphen.
        label = make_safe_label_value(".".join(nodes)).lstrip("-")
        metadata = {**metadata, "labels": {**metadata["labels"], NODE_LABEL: label}}
        container = {**container, "args": [*container["args"], f"--nodes={','.join(nodes)}"]}
        pod = {**pod, "metadata": metadata, "spec": {**spec, "containers": [container, *others]}}
        super().__init__(pod=pod, **kwargs)
