"""How the operators bear a Kubernetes that is away for a while."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

API_PATIENCE = 120  # seconds for which a Kubernetes that does not answer is asked again


def patiently(act: Callable[[], Any], log: Any) -> Any:
    """Return what `act` returns; while Kubernetes does not answer, call it again, which it must allow."""
    from kubernetes.client import ApiException
    from urllib3.exceptions import HTTPError

    deadline, pause = time.monotonic() + API_PATIENCE, 1.0
    while True:
        try:
            return act()
        except HTTPError as error:
            trouble = str(error)
        except ApiException as error:
            if error.status not in {0, None, 429, 500, 502, 503, 504}:
                raise
            trouble = f"{error.status} {error.reason}"
        if time.monotonic() + pause > deadline:
            raise RuntimeError(f"Kubernetes has not answered for {API_PATIENCE} s: {trouble}") from None
        log.warning("Kubernetes does not answer (%s); trying again in %.0f s", trouble, pause)
        time.sleep(pause)
        pause = min(10.0, pause * 2)
