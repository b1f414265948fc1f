"""The operator that runs Kedro nodes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from airflow.providers.cncf.kubernetes.pod_generator import make_safe_label_value

from kedro_airflow_k8s.operators.pod import POD_DEFAULTS, PlainPodOperator


class NodePodOperator(PlainPodOperator):
    """Run Kedro nodes in a pod of their own.

    `pod` is what all nodes have in common, written as `kubectl get pod -o yaml` shows it. Its templates may call
    `functions`; `env` are further variables of its container. The other arguments are added to the pod for these nodes.
    """

    def __init__(
        self,
        *,
        pod: dict[str, Any],
        nodes: list[str],
        functions: dict[str, Callable[..., str]] | None = None,
        env: list[dict[str, str]] | None = None,
        labels: dict[str, str] | None = None,
        annotations: dict[str, str] | None = None,
        node_selectors: dict[str, str] | None = None,
        tolerations: list[dict[str, Any]] | None = None,
        requests: dict[str, str] | None = None,
        limits: dict[str, str] | None = None,
        **kwargs: Any,
    ) -> None:
        metadata, spec = pod["metadata"], pod["spec"]
        (container,) = spec["containers"]
        # Of a name without ASCII there is only a digest left, with a hyphen that Kubernetes refuses.
        node_label = {"kedro-airflow-k8s/node": make_safe_label_value(".".join(nodes)).lstrip("-")}
        container = {**container, "args": [*container["args"], f"--nodes={','.join(nodes)}"]}
        if env:
            container["env"] = [*container.get("env", ()), *env]
        if requests or limits:
            container["resources"] = _merged(container["resources"], {"requests": requests, "limits": limits})
        spec = {**_merged(spec, {"nodeSelector": node_selectors}), "containers": [container]}
        if tolerations is not None:
            spec["tolerations"] = tolerations
        metadata = _merged(metadata, {"labels": {**node_label, **(labels or {})}, "annotations": annotations})
        pod = {**pod, "metadata": metadata, "spec": spec}
        super().__init__(pod_template_dict=pod, **POD_DEFAULTS, **kwargs)
        self.functions = functions or {}


def _merged(base: dict[str, Any], extra: dict[str, Any]) -> dict[str, Any]:
    """Lay the entries of `extra` over `base`, maps key by key, and skip those that are empty."""
    given = {key: value for key, value in extra.items() if value}
    return {**base, **{k: {**base.get(k, {}), **v} if isinstance(v, dict) else v for k, v in given.items()}}
