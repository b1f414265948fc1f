"""The section `run_config.grouping`: which nodes share a pod."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, field_validator

from kedro_airflow_k8s.config.section import Section

Way = Literal["none", "tag", "namespace", "memory", "auto", "all"]


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Ways = Annotated[tuple[Way, ...], BeforeValidator(_listed)]


class Grouping(Section):
    """Which nodes share a task and so a pod."""

    by: Ways = ("none",)
    """`none`: a pod for each node. `tag`: nodes tagged `group.<name>`. `namespace`: nodes of one top-level namespace.
    `memory`: nodes that share data which is not in the catalog. `auto`: chains of nodes that could not run in parallel
    and ask for the same pod. `all`: the whole pipeline. A list of these joins what each of them joins."""
    on_cycle: Literal["error", "merge", "split"] = "error"
    """What to do where groups would wait for each other: refuse (`error`), make one group of them (`merge`), or cut
    them into parts that do not (`split`). Groups of `memory` are always merged."""
    runner: Literal["SequentialRunner", "ThreadRunner"] = "SequentialRunner"
    """Kedro's runner within a pod of several nodes."""
    show: Literal["namespace", "none"] = "namespace"
    """Task groups in Airflow's graph: one for each namespace, where these do not wait for each other, or `none`."""

    @field_validator("by")
    @classmethod
    def _goes_together(cls, ways: tuple[str, ...]) -> tuple[str, ...]:
        for alone in ("none", "all"):
            if alone in ways and len(ways) > 1:
                raise ValueError(
                    f"should have {alone!r} alone, not with {', '.join(repr(w) for w in ways if w != alone)}"
                )
        if not ways:
            raise ValueError("should name at least one way; 'none' is a pod for each node")
        return ways
