"""Where the versions of Airflow's REST API differ: v1 of Airflow 2, v2 of Airflow 3; and finding out which it is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from urllib.parse import quote, urlsplit

from semver import VersionInfo as Version

from kedro_airflow_k8s.airflow import fields, logs
from kedro_airflow_k8s.airflow.access import VARIABLES, Authorization, Credentials, Login, bearer, is_token
from kedro_airflow_k8s.airflow.fields import Json
from kedro_airflow_k8s.airflow.http import Transport
from kedro_airflow_k8s.airflow.records import Dag, ImportFailure, LogRecord, Run, Task
from kedro_airflow_k8s.errors import AirflowDenied, AirflowUnreachable

# [core] min_serialized_dag_fetch_interval, in seconds: until 3.1 each web server keeps the DAGs that it has read.
_DAG_CACHE = 10.0


@dataclass(frozen=True)
class Api:
    """What both versions have in common."""

    version: Version
    path = ""
    # What else a user may have to do who is refused.
    denial_hint = ""
    # With what the details of a DAG are refused that Airflow knows of, but has not made ready to run yet.
    not_serialised: ClassVar[frozenset[int]] = frozenset()

    def run(self, body: Json) -> Run:
        """Read a run."""
        return Run(
            fields.text(body, "dag_id"),
            fields.text(body, "dag_run_id"),
            fields.state(body) or fields.UNKNOWN,
            fields.moment(body, "start_date"),
            fields.moment(body, "end_date"),
        )

    def task(self, body: Json) -> Task:
        """Read a task of a run."""
        return Task(
            fields.text(body, "task_id"),
            fields.state(body),
            fields.whole(body, "try_number", 0),
            fields.moment(body, "start_date"),
            fields.number(body, "duration"),
            fields.whole(body, "map_index", -1),
        )

    def import_failure(self, body: Json) -> ImportFailure:
        """Read a file that could not be imported."""
        return ImportFailure(
            *(fields.text(body, key) for key in ("filename", "bundle_name", "timestamp", "stack_trace"))
        )

    def dag_page(self, dag_id: str) -> str:
        """Return the path of a DAG's page."""
        return f"/dags/{quote(dag_id, safe='')}"


@dataclass(frozen=True)
class V1(Api):
    """The API of Airflow 2."""

    path = "/api/v1"
    denial_hint = (
        "; Airflow 2 takes a user name and a password only if [api] auth_backends has"
        " airflow.api.auth.backend.basic_auth"
    )
    dag_cache = _DAG_CACHE
    # It crashes over them.
    not_serialised = frozenset({500})

    def login(self, transport: Transport, credentials: Credentials) -> Login:
        """Log in; basic authentication needs no request."""
        return Login(credentials.authorization)

    def dag(self, body: Json) -> Dag:
        """Read a DAG, from its details or from a list."""
        schedule = body.get("schedule_interval")
        if isinstance(schedule, Mapping):
            schedule = schedule.get("value") or body.get("timetable_description") or "an interval"
        return _dag(body, is_active=bool(body.get("is_active")), schedule=None if schedule is None else str(schedule))

    def new_run(self, run_id: str, now: datetime) -> Json:
        """Write the request for a run; its logical date is Airflow's own now."""
        return {"dag_run_id": run_id}

    def import_error_filter(self, file_name: str) -> Json:
        """Return the parameters that shorten the list of import errors."""
        return {}

    def log(self, body: Json) -> tuple[LogRecord, ...]:
        """Read the log of a task."""
        return logs.from_v1(body["content"])

    def run_page(self, dag_id: str, run_id: str) -> str:
        """Return the path of a run's page."""
        return f"{self.dag_page(dag_id)}/grid?dag_run_id={quote(run_id, safe='')}"


@dataclass(frozen=True)
class V2(Api):
    """The API of Airflow 3."""

    path = "/api/v2"

    @property
    def dag_cache(self) -> float:
        """Seconds for which a process of Airflow may go on with a DAG that has since been replaced."""
        return 0.0 if self.version >= Version(3, 1, 0) else _DAG_CACHE

    def login(self, transport: Transport, credentials: Credentials) -> Login:
        """Log in; a user name and a password are exchanged for a token over `transport`."""
        if credentials.token or not credentials.username:
            return Login(credentials.authorization)

        def fetch() -> Authorization:
            pair = {"username": credentials.username, "password": credentials.password}
            answer = transport.send("POST", "/auth/token", json=pair)
            token = fields.text(answer.body, "access_token") if isinstance(answer.body, Mapping) else ""
            if answer.ok and is_token(token):
                return bearer(token, credentials.password)
            if answer.status in {401, 403, 422}:
                raise AirflowDenied(
                    f"Airflow at {transport.host} refuses the user {credentials.username!r} with this password; check"
                    f" {credentials.described}"
                )
            raise AirflowDenied(
                f"Airflow at {transport.host} gives no token for a user name and a password: POST /auth/token is"
                f" answered with {answer.status}; set AIRFLOW_API_TOKEN, or correct the path prefix in host"
            )

        return Login(fetch(), fetch)

    def dag(self, body: Json) -> Dag:
        """Read a DAG, from its details or from a list."""
        # A DAG whose file cannot be imported counts as stale too, but is there.
        active = not body.get("is_stale") or bool(body.get("has_import_errors"))
        schedule = body.get("timetable_summary")
        return _dag(body, is_active=active, schedule=None if schedule is None else str(schedule))

    def new_run(self, run_id: str, now: datetime) -> Json:
        """Write the request for a run; with a logical date, which the macros of a DAG need, as Airflow 2 gives it.

        `now` is by Airflow's clock: it starts no run whose logical date is still to come.
        """
        return {"dag_run_id": run_id, "logical_date": now.isoformat()}

    def import_error_filter(self, file_name: str) -> Json:
        """Return the parameters that shorten the list of import errors; early releases ignore them."""
        return {"filename_pattern": f"%{file_name}"}

    def log(self, body: Json) -> tuple[LogRecord, ...]:
        """Read the log of a task."""
        return logs.from_v2(body["content"])

    def run_page(self, dag_id: str, run_id: str) -> str:
        """Return the path of a run's page."""
        return f"{self.dag_page(dag_id)}/runs/{quote(run_id, safe='')}"


def discover(transport: Transport) -> tuple[V1 | V2, str]:
    """Find out which API there is, and its address, which may be with https.

    Raises `AirflowUnreachable` if there is none, saying what was tried.
    """
    tried = []
    for api in (V2, V1):
        path = f"{api.path}/version"
        answer = transport.send("GET", path, redirect=True)
        if answer.status in {401, 403}:
            raise AirflowDenied(
                f"{transport.host} refuses a request for {path} ({answer.status}: {answer.detail}),"
                f" which Airflow itself leaves open to everybody; whatever guards it may accept {VARIABLES}"
            )
        found = answer.url.removesuffix(path)
        secure = transport.host.replace("http://", "https://", 1)
        if (
            answer.ok
            and isinstance(answer.body, Mapping)
            and "version" in answer.body
            and found in {transport.host, secure}
        ):
            return api(_version(str(answer.body["version"]))), found
        elsewhere = urlsplit(answer.address)._replace(path="", query="", fragment="").geturl()
        sent_on = "" if transport.host.startswith(elsewhere) else f", sent on to {elsewhere}"
        tried.append(f"{path} ({answer.status}: {answer.detail}{sent_on})")
    raise AirflowUnreachable(
        f"{transport.host} is not an Airflow: tried {' and '.join(tried)}. Is the path in host right, or does a"
        " login page stand before it?"
    )


def _version(text: str) -> Version:
    """Read a version as Python writes it, `3.4.0b2` or `2.10.5+composer`, of which semver takes only the numbers."""
    numbers = [int(number) for number in re.findall(r"[0-9]{1,9}", re.split(r"[^\d.]", text, maxsplit=1)[0])]
    return Version(*[*numbers, 0, 0, 0][:3])


def _dag(body: Json, *, is_active: bool, schedule: str | None) -> Dag:
    return Dag(
        dag_id=fields.text(body, "dag_id"),
        is_paused=bool(body["is_paused"]),
        is_active=is_active,
        schedule=schedule,
        tags=tuple(fields.text(tag, "name") for tag in fields.records(body, "tags")),
        doc_md=fields.text(body, "doc_md"),
        file=fields.text(body, "fileloc"),
        file_token=fields.text(body, "file_token"),
        is_broken=bool(body.get("has_import_errors")),
    )
