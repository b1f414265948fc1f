"""The operator that runs Kedro nodes."""

from __future__ import annotations

from typing import Any

from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from airflow.providers.cncf.kubernetes.pod_generator import make_safe_label_value


class NodePodOperator(KubernetesPodOperator):
    """Run Kedro nodes in a pod of their own.

    `pod` is what all nodes have in common, written as `kubectl get pod -o yaml` shows it, with Jinja templates in its
    strings. The other arguments are added to it for these nodes.
    """

    template_fields = ("pod_template_dict",)
    template_fields_renderers = {"pod_template_dict": "yaml"}

    def __init__(
        self,
        *,
        pod: dict[str, Any],
        nodes: list[str],
        labels: dict[str, str] | None = None,
        annotations: dict[str, str] | None = None,
        node_selectors: dict[str, str] | None = None,
        tolerations: list[dict[str, Any]] | None = None,
        requests: dict[str, str] | None = None,
        limits: dict[str, str] | None = None,
        **kwargs: Any,
    ) -> None:
        metadata, spec = pod["metadata"], pod["spec"]
        container, *others = spec["containers"]
        node_label = {"kedro-airflow-k8s/node": make_safe_label_value(".".join(nodes))}
        container = {**container, "args": [*container["args"], f"--nodes={','.join(nodes)}"]}
        if requests or limits:
            container["resources"] = _merged(container["resources"], {"requests": requests, "limits": limits})
        own = {"nodeSelector": node_selectors, "tolerations": tolerations}
        pod = {
            **pod,
            "metadata": _merged(metadata, {"labels": {**node_label, **(labels or {})}, "annotations": annotations}),
            "spec": {**_merged(spec, own), "containers": [container, *others]},
        }
        super().__init__(
            pod_template_dict=pod,
            log_events_on_failure=True,
            log_pod_spec_on_failure=False,
            on_finish_action="delete_pod",
            **kwargs,
        )


def _merged(base: dict[str, Any], extra: dict[str, Any]) -> dict[str, Any]:
    """Lay the entries of `extra` over `base`, maps key by key, and skip those that are empty."""
    given = {key: value for key, value in extra.items() if value}
    return {**base, **{k: {**base.get(k, {}), **v} if isinstance(v, dict) else v for k, v in given.items()}}
