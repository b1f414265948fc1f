"""The client: the DAGs of one Airflow, their runs, and the tasks and logs of those."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import PurePath
from typing import Any, TypeVar
from urllib.parse import quote

from semver import VersionInfo as Version

from kedro_airflow_k8s.airflow import fields
from kedro_airflow_k8s.airflow.access import VARIABLES, Credentials
from kedro_airflow_k8s.airflow.answer import Answer
from kedro_airflow_k8s.airflow.fields import Json
from kedro_airflow_k8s.airflow.http import Clock, LostAnswer, Transport
from kedro_airflow_k8s.airflow.records import Dag, ImportFailure, LogRecord, Run, Task
from kedro_airflow_k8s.airflow.versions import V1, V2
from kedro_airflow_k8s.contract import TAG
from kedro_airflow_k8s.errors import AirflowDenied, AirflowError, AirflowUnreachable

T = TypeVar("T")
# Every DAG of this plugin carries it, since the API finds tags only by their whole text.
_TRIGGERS = 5
_PAGE = 100
_LONG = 60.0
# Where a list ends that a server would not end: 100,000 entries, or two minutes.
_PAGES = 1000
_LIST = 120.0


def new_run_id() -> str:
    """Make an id for a run: ours, so that a request whose answer is lost can be repeated and is still one run."""
    return f"kedro__{datetime.now(timezone.utc):%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"


class AirflowClient:
    """One Airflow, whichever version it is; made by `connect`.

    Every method raises `AirflowUnreachable` if there is no answer, `AirflowDenied` if the user may not do it, and
    `AirflowError` with Airflow's own words if it is refused otherwise.
    """

    def __init__(self, transport: Transport, api: V1 | V2, user: Credentials) -> None:
        self.api = api
        self._transport = transport
        self._user = user

    @property
    def host(self) -> str:
        """The address of Airflow."""
        return self._transport.host

    def until(self, deadline: float) -> AirflowClient:
        """Return a client whose requests, with their repetitions, end at that time of its clock."""
        return AirflowClient(self._transport.until(deadline), self.api, self._user)

    @property
    def clock(self) -> Clock:
        """The clock by which it waits."""
        return self._transport.clock

    @property
    def version(self) -> Version:
        """The version of Airflow."""
        return self.api.version

    def page(self, dag_id: str | None = None, run_id: str | None = None) -> str:
        """Return the address of Airflow's start page, of a DAG's, or of a run's."""
        if dag_id is None:
            return self.host
        return self.host + (self.api.dag_page(dag_id) if run_id is None else self.api.run_page(dag_id, run_id))

    def dag(self, dag_id: str) -> Dag | None:
        """Return a DAG as Airflow would run it now; None if there is none."""
        answer = self._send("GET", f"{_dag_path(dag_id)}/details", final=self.api.not_serialised)
        if answer.status in self.api.not_serialised:
            answer = self._send("GET", _dag_path(dag_id))
        return None if _is_absent(answer) else self._read(self.api.dag, answer)

    def dags(self, tag: str = TAG) -> tuple[Dag, ...]:
        """Return all active DAGs with that tag, by their ids."""
        found = self._list("/dags", "dags", self.api.dag, tags=tag, order_by="dag_id")
        # A DAG that is added while the pages are read moves others to the next page.
        return tuple({dag.dag_id: dag for dag in found}.values())

    def import_failures(self, file_name: str) -> tuple[ImportFailure, ...]:
        """Return the files of that name, in any folder, that Airflow could not import when it last tried."""
        parameters = self.api.import_error_filter(file_name)
        failures = self._list("/importErrors", "import_errors", self.api.import_failure, **parameters)
        return tuple(failure for failure in failures if PurePath(failure.file).name == file_name)

    def request_parsing(self, dag: Dag) -> bool:
        """Ask for the file of a DAG to be parsed before its time; return whether that can be asked for at all."""
        if not dag.file_token:
            return False
        answer = self._send("PUT", f"/parseDagFile/{quote(dag.file_token, safe='')}", denial=False)
        # 409: it was asked for already. Airflow 2 says so, and everything else here, in what it calls HTML.
        return answer.status in {200, 201, 409}

    def unpause(self, dag_id: str) -> None:
        """Let the runs of a DAG proceed."""
        self._granted(self._send("PATCH", _dag_path(dag_id), json={"is_paused": False}))

    def trigger(self, dag_id: str, run_id: str) -> Run:
        """Start the run of that id; exactly one, even if answers are lost and the request has to be repeated."""
        for attempt in range(_TRIGGERS):
            try:
                return self._start(dag_id, run_id)
            except AirflowUnreachable as error:
                # What certainly did not arrive leaves nothing to look for, unless an earlier copy was on its way.
                if not attempt and not isinstance(error, LostAnswer):
                    raise
                reason = str(error)
            self.clock.sleep(0.5 * 2.0**attempt)
            run = self._find_triggered(dag_id, run_id)
            if run is not None:
                return run
        raise AirflowUnreachable(
            f"{reason}. There is no run {run_id} of DAG {dag_id}, after {_TRIGGERS} attempts; should Airflow get to one"
            f" of them yet, it is at {self.page(dag_id, run_id)}"
        )

    def run(self, dag_id: str, run_id: str) -> Run | None:
        """Return a run; None if there is none."""
        answer = self._send("GET", _run_path(dag_id, run_id))
        return None if _is_absent(answer) else self._read(self.api.run, answer)

    def tasks(self, dag_id: str, run_id: str) -> tuple[Task, ...]:
        """Return the tasks of a run, in the order in which they started; last those that have not."""
        path = f"{_run_path(dag_id, run_id)}/taskInstances"
        # Airflow 2 has no limit here but ours; where there is one, we are given less.
        tasks = self._list(path, "task_instances", self.api.task, limit=1000)
        late = datetime.max.replace(tzinfo=timezone.utc)
        return tuple(sorted(tasks, key=lambda task: (task.start or late, task.name)))

    def log(self, dag_id: str, run_id: str, task: Task, *, seconds: float = _LONG) -> tuple[LogRecord, ...]:
        """Return the log of a task's latest try."""
        path = f"{_run_path(dag_id, run_id)}/taskInstances/{quote(task.task_id, safe='')}/logs/{task.try_number}"
        parameters = {"full_content": "true", "map_index": task.map_index}
        return self._read(self.api.log, self._send("GET", path, params=parameters, seconds=seconds))

    def _start(self, dag_id: str, run_id: str) -> Run:
        """Ask for a run, once. Raises `LostAnswer` if there may be one though the answer does not say so."""
        body = self.api.new_run(run_id, self._transport.now())
        answer = self._send("POST", f"{_dag_path(dag_id)}/dagRuns", json=body, repeat=False)
        try:
            run = self._read(self.api.run, answer)
        except AirflowError as error:
            # Nobody else has chosen this id: if it is taken, then by an earlier copy of this very request. And
            # something else may have answered in Airflow's place.
            if answer.status == 409 or isinstance(error, AirflowUnreachable):
                raise LostAnswer(str(error)) from None
            raise
        if run.run_id != run_id:
            raise LostAnswer(f"{answer.address} answers with another run than the one that was asked for")
        return run

    def _find_triggered(self, dag_id: str, run_id: str) -> Run | None:
        try:
            return self.run(dag_id, run_id)
        except AirflowUnreachable as error:
            raise AirflowUnreachable(
                f"{error}. Whether it has started run {run_id} is not known: before you try again, look at"
                f" {self.page(dag_id, run_id)}"
            ) from None

    def _list(
        self, path: str, key: str, read: Callable[[Json], T], *, limit: int = _PAGE, **parameters: Any
    ) -> tuple[T, ...]:
        """Return the entries of all pages, whatever the server's limit for one."""
        found: list[T] = []
        end = self.clock.now() + _LIST
        offset = 0
        for _ in range(_PAGES):
            answer = self._send("GET", path, params={**parameters, "limit": limit, "offset": offset})
            length, entries, total = self._read(
                lambda body: (len(body[key]), fields.records(body, key), fields.number(body, "total_entries")), answer
            )
            found += self._read(lambda body: [read(entry) for entry in entries], answer)  # noqa: B023 - called at once
            offset += length
            if not length or (total is not None and offset >= total):
                return tuple(found)
            if self.clock.now() > end:
                break
        raise AirflowUnreachable(f"{answer.address} does not end: it has had {offset} entries so far")

    def _send(self, method: str, path: str, *, denial: bool = True, **request: Any) -> Answer:
        """Send a request; without `denial` a refusal for lack of rights is an answer like any other."""
        answer = self._transport.send(method, self.api.path + path, **request)
        if denial and answer.status in {401, 403}:
            raise self._denied(answer)
        return answer

    def _denied(self, answer: Answer) -> AirflowDenied:
        known = self._user.described
        if not known:
            return AirflowDenied(f"Airflow at {self.host} wants to know who you are ({answer.detail}); set {VARIABLES}")
        return AirflowDenied(
            f"Airflow at {self.host} refuses this user ({answer.status}: {answer.detail}); check {known}, and whether"
            f" the user may read, edit and trigger DAGs{self.api.denial_hint if self._user.username else ''}"
        )

    def _granted(self, answer: Answer) -> Answer:
        if answer.ok:
            return answer
        if answer.is_html or 300 <= answer.status < 400:
            raise AirflowUnreachable(
                f"{answer.address} answers {answer.status} with {answer.detail} instead of Airflow's"
                " API; does a login page stand before it?"
            )
        raise AirflowError(f"Airflow at {self.host} refuses ({answer.status}): {answer.detail} [{answer.address}]")

    def _read(self, read: Callable[[Any], T], answer: Answer) -> T:
        try:
            return read(self._granted(answer).body)
        except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError):
            raise AirflowUnreachable(f"{answer.address} answers, but not as Airflow's API does") from None


def _is_absent(answer: Answer) -> bool:
    # A 404 in HTML is of a proxy, or of an Airflow that lacks more than one DAG.
    return answer.status == 404 and not answer.is_html


def _dag_path(dag_id: str) -> str:
    return f"/dags/{quote(dag_id, safe='')}"


def _run_path(dag_id: str, run_id: str) -> str:
    return f"{_dag_path(dag_id)}/dagRuns/{quote(run_id, safe='')}"
