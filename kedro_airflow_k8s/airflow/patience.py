"""Going on with a long wait while Airflow does not answer for some minutes."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from kedro_airflow_k8s.airflow.http import Clock
from kedro_airflow_k8s.errors import AirflowUnreachable
from kedro_airflow_k8s.model import Report

T = TypeVar("T")
P = ParamSpec("P")
_PATIENCE = 300.0


class Patience:
    """Asks Airflow again and again, and gives up once it has not answered for five minutes on end."""

    def __init__(self, clock: Clock, report: Report) -> None:
        self._clock = clock
        self._report = report
        self._since: float | None = None

    def ask(self, question: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> tuple[T] | None:
        """Return the answer, in a tuple as it may itself be None; None if none came, which is said the first time."""
        began = self._clock.now()
        try:
            answer = question(*args, **kwargs)
        except AirflowUnreachable as error:
            if self._since is None:
                self._since = began
                self._report(f"{error}; waiting for it to come back")
            elif began - self._since > _PATIENCE:
                raise
            return None
        if self._since is not None:
            self._since = None
            self._report("Airflow answers again")
        return (answer,)
