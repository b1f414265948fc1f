"""The pods of earlier tries: one that is being deleted is none to go on with."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

LATE = 30  # seconds after its grace period in which a pod should be gone


def await_dying_pods(pods: Callable[[], list[Any]], log: Any) -> None:
    """Wait until none of the pods is being deleted: it and the next one may both write to the volume.

    A pod that has been asked to end still counts as running, for up to its grace period.
    """
    begin, told = time.monotonic(), False
    while True:
        dying = [pod.metadata for pod in pods() if pod.metadata.deletion_timestamp]
        if not dying:
            return
        names = ", ".join(metadata.name for metadata in dying)
        grace = max(metadata.deletion_grace_period_seconds or 0 for metadata in dying)
        if not told:
            log.info("Waiting for the pod of an earlier try to end: %s", names)
            told = True
        if time.monotonic() - begin > grace + LATE:
            raise RuntimeError(
                f"The pod of an earlier try is still being deleted after {grace + LATE} s, so no other is started:"
                f" {names}. Is its node lost? kubectl delete pod --force removes it."
            )
        time.sleep(1)
