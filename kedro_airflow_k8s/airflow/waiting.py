"""Why tasks wait that are called running: for their pods, as their logs say, or for somebody's answer."""

from __future__ import annotations

from dataclasses import replace

from kedro_airflow_k8s.airflow import logs
from kedro_airflow_k8s.airflow.budget import Budget
from kedro_airflow_k8s.airflow.client import AirflowClient
from kedro_airflow_k8s.airflow.records import Task
from kedro_airflow_k8s.errors import AirflowError

# 25 requests in 10 minutes.
_SAVED, _SAVING = 4.0, 28.0
_FIRST, _AGAIN, _SELDOM = 3.0, 5.0, 12.0
# A log that is on a worker may be slow to come, and the wait for the run's end should not be.
_LOG = 3.0


class Waiting:
    """Reads the logs of tasks whose pods have not started yet, now and then."""

    def __init__(self, client: AirflowClient, dag_id: str, run_id: str) -> None:
        self._client = client
        self._dag_id = dag_id
        self._run_id = run_id
        self._budget = Budget(client.clock.now(), _SAVED, _SAVING)
        self._next: dict[tuple[str, int], float] = {}
        self._reasons: dict[tuple[str, int], str] = {}

    def explain(self, tasks: tuple[Task, ...]) -> tuple[Task, ...]:
        """Return the tasks, each that waits with the reason."""
        now = self._client.clock.now()
        running = {_try(task): task for task in tasks if task.state in {"running", "deferred"} and task.try_number}
        for key in running:
            self._next.setdefault(key, now + _FIRST)
        # The one that has been due for the longest time comes first, so that none is left out.
        for key in sorted(running, key=self._next.__getitem__):
            if now >= self._next[key] and self._budget.has(now):
                self._look(key, running[key])
        return tuple(replace(task, note=self._note(task)) for task in tasks)

    def _note(self, task: Task) -> str:
        if task.state == "awaiting_input":
            return f"somebody must answer in Airflow: {self._client.page(self._dag_id, self._run_id)}"
        return self._reasons.get(_try(task), "") if task.state in {"running", "deferred"} else ""

    def _look(self, key: tuple[str, int], task: Task) -> None:
        self._budget.spend()
        now = self._client.clock.now()
        try:
            records = self._client.log(self._dag_id, self._run_id, task, seconds=_LOG)
        except AirflowError:
            # A worker's log may not be there yet, or not for this user; the task itself is not in doubt.
            self._next[key] = now + _SELDOM * 2
            return
        reason = logs.waiting_reason(records)
        self._reasons[key] = reason or ""
        self._next[key] = float("inf") if reason is None else now + (_SELDOM if reason else _AGAIN)


def _try(task: Task) -> tuple[str, int]:
    return task.name, task.try_number
