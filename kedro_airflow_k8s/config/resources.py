"""What a node's pod asks of the cluster; the text below each key is its line in the reference."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from kedro_airflow_k8s.config.kubernetes import Amounts, Annotations, LabelKey, Labels, LabelValue, Selectors
from kedro_airflow_k8s.config.section import Section
from kedro_airflow_k8s.config.values import Seconds, Wrong, shown


class Toleration(Section):
    """A taint that the node's pod tolerates, in Kubernetes' own words."""

    key: LabelKey | None = None
    """The taint's key; none with `Exists` tolerates every taint."""
    operator: Literal["Equal", "Exists"] | None = None
    """How `value` is compared."""
    value: LabelValue | None = None
    """The taint's value."""
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None
    """The taint's effect; none means every effect."""
    tolerationSeconds: Seconds | None = None  # noqa: N815 - as Kubernetes spells it
    """For how many seconds a `NoExecute` taint is tolerated."""

    @model_validator(mode="after")
    def _is_whole(self) -> Toleration:
        if self.key is None and self.operator != "Exists":
            raise Wrong({"key": "required, but missing, unless operator is 'Exists'"})
        if self.operator == "Exists" and self.value:
            raise Wrong({"value": f"should be absent where operator is 'Exists', got {shown(self.value)}"})
        if self.tolerationSeconds is not None and self.effect != "NoExecute":
            raise Wrong({"effect": f"should be 'NoExecute' beside tolerationSeconds, got {shown(self.effect)}"})
        return self


class Resources(Section):
    """What a node's pod asks of the cluster, and where it may run."""

    node_selectors: Selectors = Field(default={})
    """Labels of the machines that the pod may run on."""
    labels: Labels = Field(default={})
    """Labels of the pod."""
    annotations: Annotations = Field(default={})
    """Annotations of the pod."""
    tolerations: tuple[Toleration, ...] = ()
    """Taints that the pod tolerates."""
    requests: Amounts = Field(default={})
    """What the pod is guaranteed: `cpu`, `memory`, `ephemeral-storage`, or any other resource of the cluster."""
    limits: Amounts = Field(default={})
    """What the pod may use at most, by the same names."""
