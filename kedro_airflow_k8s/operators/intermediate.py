"""The operator that removes intermediate data."""

from __future__ import annotations

from typing import Any

from kedro_airflow_k8s.operators.pod import PlainPodOperator


class DeleteIntermediateDataOperator(PlainPodOperator):
    """Remove the run's intermediate data from its store, by a pod of the image, which can log in there."""

    def __init__(self, *, pod: dict[str, Any], args: list[str], **kwargs: Any) -> None:
        container, *others = pod["spec"]["containers"]
        pod = {**pod, "spec": {**pod["spec"], "containers": [{**container, "args": args}, *others]}}
        super().__init__(pod=pod, **kwargs)
