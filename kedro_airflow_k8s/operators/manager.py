"""How the provider's operator starts a pod, with what a person wants to know meanwhile."""

from __future__ import annotations

import asyncio
from typing import Any

from airflow.providers.cncf.kubernetes.utils.pod_manager import PodManager

from kedro_airflow_k8s.operators.waiting import Waiting

LOOK = 5  # seconds between two looks at a pod that waits


class TellingPodManager(PodManager):
    """Starts a pod and says why it waits."""

    async def await_pod_start(self, pod: Any, *args: Any, **kwargs: Any) -> None:
        start = asyncio.ensure_future(super().await_pod_start(pod, *args, **kwargs))
        waiting = Waiting(self._client, self.log)
        try:
            while not (await asyncio.wait({start}, timeout=LOOK))[0]:
                waiting.look(pod)
            await start
        finally:
            start.cancel()

    def run_pod_async(self, pod: Any, **kwargs: Any) -> Any:
        # The provider's own logs a refusal with its traceback, the whole pod and the headers of the answer.
        body = self._client.api_client.sanitize_for_serialization(pod)
        return self._client.create_namespaced_pod(body=body, namespace=pod.metadata.namespace, **kwargs)
