"""Waiting until a run has ended: noticed within 2 s, with at most 400 requests in 10 minutes."""

from __future__ import annotations

import math
from collections.abc import Callable

from kedro_airflow_k8s.airflow import logs
from kedro_airflow_k8s.airflow.budget import Budget
from kedro_airflow_k8s.airflow.client import AirflowClient
from kedro_airflow_k8s.airflow.patience import Patience
from kedro_airflow_k8s.airflow.records import Run, Task
from kedro_airflow_k8s.airflow.waiting import Waiting
from kedro_airflow_k8s.errors import AirflowDenied, AirflowError, AirflowUnreachable, RunFailed, WaitTimeout
from kedro_airflow_k8s.model import Report

Seen = Callable[[Run, tuple[Task, ...]], None]
# 316 requests for the run's state in 10 minutes ...
_POLL = 1.9
# ... and 54 for pages of its tasks: some at once, as much happens when a run begins, then one each 13 s. The rest is
# for the logs of tasks that wait for their pods.
_SAVED, _SAVING = 8.0, 13.0
_TASKS, _TASKS_IDLE = 3.0, 10.0
_LINES = 25
_LOGS = 5
# What is asked in the last moment has some seconds for its answer.
_GRACE = 5.0


def wait_for_end(
    client: AirflowClient,
    dag_id: str,
    run_id: str,
    *,
    seconds: float = math.inf,
    seen: Seen = lambda run, tasks: None,
    report: Report = lambda text: None,
) -> Run:
    """Wait until the run has ended and return it if it is a success.

    `seen` is called with the state of things every other second. Raises `RunFailed` with what the failed tasks logged
    last, and `WaitTimeout` if `seconds` are over before. An Airflow that does not answer is waited for some minutes.
    """
    try:
        run, tasks = _follow(client, dag_id, run_id, seconds, seen, report)
    except (AirflowDenied, AirflowUnreachable):
        report(f"The run itself is not affected; see {client.page(dag_id, run_id)}")
        raise
    if run.state != "success":
        raise RunFailed(_failure(client, run, tasks))
    return run


def _follow(
    client: AirflowClient, dag_id: str, run_id: str, seconds: float, seen: Seen, report: Report
) -> tuple[Run, tuple[Task, ...]]:
    clock = client.clock
    patience = Patience(clock, report)
    turns = _Turns(clock.now())
    start = clock.now()
    asking = client.until(start + seconds + _GRACE)
    waiting = Waiting(asking, dag_id, run_id)
    run: Run | None = None
    tasks: tuple[Task, ...] = ()
    while True:
        now = clock.now()
        with patience:
            run = asking.run(dag_id, run_id)
            if run is None:
                raise RunFailed(f"Airflow at {client.host} no longer has run {run_id} of {dag_id}; was it deleted?")
            if run.has_ended or turns.has_come(now):
                former, tasks = tasks, asking.tasks(dag_id, run_id)
                turns.taken(now, tasks, changed=tasks != former)
            seen(run, tasks if run.has_ended else waiting.explain(tasks))
            if run.has_ended:
                return _checked(client, run, tasks), tasks
        left = start + seconds - clock.now()
        if left <= 0 and run and run.has_ended:
            return run, tasks
        if left <= 0:
            state = run.state if run else "unknown"
            raise WaitTimeout(
                f"run {run_id} of {dag_id} has not ended within {seconds / 60:g} min; its state is {state}, and it goes"
                f" on: see {client.page(dag_id, run_id)}"
            )
        # The time that the requests took counts, so that a slow server does not delay the next look.
        clock.sleep(min(left, max(0.5, now + _POLL - clock.now())))


def _checked(client: AirflowClient, run: Run, tasks: tuple[Task, ...]) -> Run:
    """Return the run; Airflow calls one a success that had no tasks, but it is none. Raises `RunFailed`."""
    if run.state == "success" and not tasks:
        raise RunFailed(
            f"run {run.run_id} of {run.dag_id} counts as a success, but Airflow has executed none of its tasks; is the"
            f" start date of the DAG still to come? see {client.page(run.dag_id, run.run_id)}"
        )
    return run


class _Turns:
    """When to ask for the tasks: soon again while they change, less often while not, and never too often in all."""

    def __init__(self, now: float) -> None:
        self._budget = Budget(now, _SAVED, _SAVING)
        self._pause = _TASKS
        self._next = now
        self._cost = 1

    def has_come(self, now: float) -> bool:
        """Tell whether it is time, and there are requests left for it."""
        return now >= self._next and self._budget.has(now, self._cost)

    def taken(self, now: float, tasks: tuple[Task, ...], *, changed: bool) -> None:
        """Count the requests that it took to read the tasks."""
        self._cost = max(1, -(-len(tasks) // 100))
        self._budget.spend(self._cost)
        self._pause = _TASKS if changed else min(_TASKS_IDLE, self._pause * 2)
        self._next = now + self._pause


def _failure(client: AirflowClient, run: Run, tasks: tuple[Task, ...]) -> str:
    """Say what failed, with the last lines of the failed tasks' logs."""
    failed = [task for task in tasks if task.state == "failed"]
    address = client.page(run.dag_id, run.run_id)
    if not failed:
        return f"run {run.run_id} of {run.dag_id} ended as {run.state}, though none of its tasks failed; see {address}"
    names = ", ".join(task.name for task in failed)
    parts = [f"run {run.run_id} of {run.dag_id} {run.state}, because of {names}; see {address}"]
    parts += [_last_words(client, run, task) for task in failed[:_LOGS]]
    if len(failed) > _LOGS:
        parts.append(f"The logs of the other {len(failed) - _LOGS} failed tasks are in Airflow.")
    return "\n\n".join(parts)


def _last_words(client: AirflowClient, run: Run, task: Task) -> str:
    name = f"Task {task.name} failed at try {task.try_number}"
    if not task.try_number:
        return f"{name[: -len(' at try 0')]} before it was tried; it has no log."
    try:
        records = client.log(run.dag_id, run.run_id, task)
    except AirflowError as error:
        return f"{name}; its log could not be read: {error}"
    ended = logs.pod_end(records)
    shown = (*([ended] if ended else []), *logs.tail(records, _LINES))
    lines = "".join(f"\n  {line}" for line in shown)
    return f"{name}; its last log lines:{lines or ' none'}"
