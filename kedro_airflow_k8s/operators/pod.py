"""What the operators that run pods have in common."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cached_property
from typing import Any

from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from airflow.providers.cncf.kubernetes.utils.pod_manager import PodLaunchFailedException

from kedro_airflow_k8s.contract import POD_ENDED
from kedro_airflow_k8s.operators.ending import how_it_ended
from kedro_airflow_k8s.operators.manager import LOOK, TellingPodManager
from kedro_airflow_k8s.operators.patience import patiently
from kedro_airflow_k8s.operators.reattaching import await_dying_pods
from kedro_airflow_k8s.operators.refusal import refusal
from kedro_airflow_k8s.operators.waiting import Waiting, why_it_never_started

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

    @cached_property
    def pod_manager(self) -> TellingPodManager:
        return TellingPodManager(kube_client=self.client, callbacks=self.callbacks)

    def execute(self, context: Any) -> Any:
        from kubernetes.client import ApiException

        try:
            return super().execute(context)
        except ApiException as error:
            raise RuntimeError(refusal(error)) from None

    def get_or_create_pod(self, pod_request_obj: Any, context: Any) -> Any:
        namespace = pod_request_obj.metadata.namespace
        selector = self._build_find_pod_label_selector(context, exclude_checked=False)

        def pods() -> Any:
            look = self.client.list_namespaced_pod
            return patiently(lambda: look(namespace, label_selector=selector).items, self.log)

        await_dying_pods(pods, self.log)
        return super().get_or_create_pod(pod_request_obj, context)

    def invoke_defer_method(self, last_log_time: Any = None, context: Any = None) -> None:
        # The triggerer, which waits from here on, does not know this class.
        waiting = Waiting(self.client, self.log)
        try:
            for _ in range(3):
                if not waiting.look(self.pod):
                    break
                time.sleep(LOOK)
        except PodLaunchFailedException:
            self.process_pod_deletion(self.pod, reraise=False)
            raise
        super().invoke_defer_method(last_log_time, context)

    def cleanup(self, pod: Any, remote_pod: Any, *args: Any, **kwargs: Any) -> None:
        # Read before the pod is deleted, and said after all else.
        end = self._end(remote_pod) if remote_pod and not self._killed else ""
        try:
            super().cleanup(pod, remote_pod, *args, **kwargs)
        finally:
            if end:
                self.log.error("%s%s", POD_ENDED, end)

    def _end(self, remote_pod: Any) -> str:
        from kubernetes.client import ApiException

        metadata = remote_pod.metadata
        try:
            found = self.client.read_namespaced_pod(metadata.name, metadata.namespace)
            if found.status.phase == "Pending" and (reason := why_it_never_started(self.client, found)):
                return reason
            return how_it_ended(found)
        except ApiException as error:
            if error.status != 404:
                return how_it_ended(remote_pod)
        return how_it_ended(remote_pod) and f"the pod {metadata.name} is gone: it was deleted, or its node was"
