"""What the operators that run pods have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator

# A pod is deleted when it has ended; what is of use in it then, its log and its events, is in the task's log.
POD_DEFAULTS = {"log_events_on_failure": True, "log_pod_spec_on_failure": False, "on_finish_action": "delete_pod"}


class PlainPodOperator(KubernetesPodOperator):
    """Run a pod that is written as `kubectl get pod -o yaml` shows it, with Jinja templates in its strings.

    The templates may call `functions`.
    """

    template_fields = ("pod_template_dict",)
    template_fields_renderers = {"pod_template_dict": "yaml"}

    def __init__(
        self, *, pod: dict[str, Any], functions: dict[str, Callable[..., str]] | None = None, **kwargs: Any
    ) -> None:
        super().__init__(pod_template_dict=pod, **POD_DEFAULTS, **kwargs)
        self.functions = functions or {}

    def render_template_fields(self, context: Any, jinja_env: Any = None) -> None:
        environment = jinja_env or self.get_template_env()
        environment.globals.update(self.functions)
        super().render_template_fields(context, environment)
