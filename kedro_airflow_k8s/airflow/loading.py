"""Waiting until Airflow has loaded the very file that was delivered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from kedro_airflow_k8s.airflow.client import AirflowClient
from kedro_airflow_k8s.airflow.patience import Patience
from kedro_airflow_k8s.airflow.records import Dag, ImportFailure
from kedro_airflow_k8s.errors import AirflowDenied, DagNotLoaded
from kedro_airflow_k8s.model import Report

# Often while a quick Airflow would be done, then less: 600 s take some 350 requests.
_SOON = 60.0
_OFTEN, _SELDOM = 1.0, 4.0
_FAILURES_OFTEN, _FAILURES_SELDOM = 3.0, 6.0
_PARSING_OFTEN, _PARSING_SELDOM = 10.0, 30.0
# Airflow tries a broken file again after 30 s; what it then says may still be about the former file.
_SAME_FAILURE = 60.0
# What is asked in the last moment has some seconds for its answer.
_GRACE = 5.0


@dataclass(frozen=True)
class Before:
    """What Airflow had under a DAG's id and file name before a delivery, to tell what is new after it."""

    dag: Dag | None
    failures: Mapping[tuple[str, str], ImportFailure] = field(default_factory=dict)


def look(client: AirflowClient, dag_id: str, file_name: str) -> Before:
    """Look at what Airflow has, before the file called `file_name` is delivered."""
    dag = client.dag(dag_id)
    return Before(dag, {failure.origin: failure for failure in _failures(client, file_name)})


def wait_until_loaded(
    client: AirflowClient,
    dag_id: str,
    build_id: str,
    before: Before,
    *,
    file_name: str,
    output: str,
    unchanged: bool = False,
    seconds: float = 600.0,
    report: Report = lambda text: None,
) -> Dag:
    """Wait until the DAG that Airflow would run has the build id, and return it.

    `unchanged` tells that the very file lay there before. Raises `DagNotLoaded` with Airflow's own traceback if the
    file cannot be imported, or after `seconds`, with what there is to check.
    """
    clock = client.clock
    patience = Patience(clock, report)
    start = clock.now()
    asking = client.until(start + seconds + _GRACE)
    failures = _Failures(asking, file_name, {} if unchanged else before.failures)
    next_failures = next_parsing = start
    dag, told = before.dag, False
    while True:
        now = clock.now()
        soon = now - start < _SOON
        with patience:
            dag = asking.dag(dag_id)
            if dag and dag.can_run(build_id):
                _let_settle(client, before, build_id, report)
                return dag
            if not told:
                told = True
                report(_waiting_for(dag_id, dag, seconds))
            if now >= next_failures:
                next_failures = now + (_FAILURES_OFTEN if soon else _FAILURES_SELDOM)
                failure = failures.of_this_file(now - start)
                if failure:
                    raise DagNotLoaded(f"Airflow at {client.host} cannot import {failure.file}:\n{_indented(failure)}")
            if dag and now >= next_parsing:
                next_parsing = now + (_PARSING_OFTEN if soon else _PARSING_SELDOM)
                asking.request_parsing(dag)
        if now - start >= seconds:
            raise DagNotLoaded(_too_late(client, dag_id, dag, failures.latest, seconds, output))
        clock.sleep(min(_OFTEN if soon else _SELDOM, max(0.1, start + seconds - now)))


class _Failures:
    """Tells an import failure of the new file from one that was there before."""

    def __init__(self, client: AirflowClient, file_name: str, former: Mapping[tuple[str, str], ImportFailure]) -> None:
        self._client = client
        self._file_name = file_name
        self._former = former
        self.latest: ImportFailure | None = None

    def of_this_file(self, waited: float) -> ImportFailure | None:
        """Return the failure to import the new file, if there is one.

        Airflow's times are not compared with ours, as clocks differ: what it says now is, with what it said before.
        """
        for failure in _failures(self._client, self._file_name):
            former = self._former.get(failure.origin)
            self.latest = failure
            if former is None or former.traceback != failure.traceback:
                return failure
            if former.seen != failure.seen and waited > _SAME_FAILURE:
                return failure
        return None


def _failures(client: AirflowClient, file_name: str) -> tuple[ImportFailure, ...]:
    try:
        return client.import_failures(file_name)
    except AirflowDenied:
        # Not every user may read them; the wait then ends by its time limit, which says so.
        return ()


def _let_settle(client: AirflowClient, before: Before, build_id: str, report: Report) -> None:
    """Wait until no process of Airflow goes on with the former DAG: each has a cache of its own."""
    seconds = client.api.dag_cache
    if seconds and before.dag and build_id not in before.dag.doc_md:
        report(f"Airflow has loaded it; {seconds:.0f} s more until all of its processes have")
        client.clock.sleep(seconds)


def _waiting_for(dag_id: str, dag: Dag | None, seconds: float) -> str:
    interval = "looks for changes every 30 s" if dag else "looks for new files every 5 min"
    return f"Waiting up to {seconds:.0f} s for Airflow to load {dag_id}; it {interval}, unless told otherwise"


def _too_late(
    client: AirflowClient, dag_id: str, dag: Dag | None, failure: ImportFailure | None, seconds: float, output: str
) -> str:
    late = f"within {seconds:.0f} s"
    if failure:
        return (
            f"Airflow at {client.host} did not load this build of {dag_id} {late}; it still reports, as before the"
            f" upload, that it cannot import {failure.file}:\n{_indented(failure)}"
        )
    if dag and dag.is_active:
        return (
            f"Airflow at {client.host} did not load this build of {dag_id} {late}; it has an earlier one, read from"
            f" {dag.file}: is that {output}?"
        )
    return (
        f"Airflow at {client.host} did not pick up {dag_id} {late}; is {output} the folder from which it reads DAGs? It"
        " looks for new files every 5 minutes by default; --load-timeout gives it longer"
    )


def _indented(failure: ImportFailure) -> str:
    return "\n".join(f"  {line}" for line in failure.traceback.strip().splitlines())
