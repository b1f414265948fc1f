"""Going on with a long wait while Airflow does not answer for some minutes."""

from __future__ import annotations

from types import TracebackType

from kedro_airflow_k8s.airflow.http import Clock
from kedro_airflow_k8s.errors import AirflowUnreachable
from kedro_airflow_k8s.model import Report

_PATIENCE = 300.0


class Patience:
    """Suppresses `AirflowUnreachable` in its block, until Airflow has not answered for five minutes.

    A context manager for the block that a wait repeats. The user is told when an outage begins and when it is over.
    """

    def __init__(self, clock: Clock, report: Report) -> None:
        self._clock = clock
        self._report = report
        self._began = 0.0
        self._away_since: float | None = None

    def __enter__(self) -> None:
        """Note the time: an outage begins with the block that it breaks off."""
        self._began = self._clock.now()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        """Suppress the error if Airflow may yet come back."""
        if isinstance(error, AirflowUnreachable):
            if self._away_since is None:
                self._away_since = self._began
                self._report(f"{error}; waiting for it to come back")
            return self._began - self._away_since <= _PATIENCE
        if error is None and self._away_since is not None:
            self._away_since = None
            self._report("Airflow answers again")
        return False
