"""One run of a compiled DAG: delivered, loaded by Airflow, triggered, and waited for."""

from __future__ import annotations

import math
from dataclasses import dataclass

from rich.console import Console

from kedro_airflow_k8s import delivery
from kedro_airflow_k8s.airflow import AirflowClient, Run, look, new_run_id, wait_for_end, wait_until_loaded
from kedro_airflow_k8s.build import Build
from kedro_airflow_k8s.errors import DagNotLoaded
from kedro_airflow_k8s.model import Report
from kedro_airflow_k8s.watch import Watcher

_WIDE = 1000


@dataclass(frozen=True)
class Wait:
    """How long to wait for what: `load` seconds for Airflow to have the DAG, `end` for the run to end."""

    load: float = 600.0
    end: float = math.inf


def start(
    build: Build, client: AirflowClient, output: str, wait: Wait, *, replace_schedule: bool, report: Report
) -> Run:
    """Deliver the DAG to `output`, wait until Airflow has loaded this very file, and trigger one run of it.

    `report` is told each step. Raises `DeliveryError`, `DagNotLoaded` or another `AirflowError`; unless
    `replace_schedule` is set also for a DAG of the same id that Airflow has scheduled.
    """
    before = look(client, build.dag_id, build.file.name)
    if before.dag and before.dag.is_active and before.dag.schedule is not None and not replace_schedule:
        raise DagNotLoaded(
            f"Airflow has {build.dag_id} with the schedule {before.dag.schedule}, which a run of its own would end;"
            " choose another id with -d, or say --replace-schedule"
        )
    written = delivery.write([build.file], output)
    report(f"{'Unchanged in Airflow' if written.unchanged else 'Uploaded'}: {written.urls[-1]}")
    try:
        dag = wait_until_loaded(
            client,
            build.dag_id,
            build.build_id,
            before,
            file_name=build.file.name,
            output=output,
            unchanged=written.unchanged,
            seconds=wait.load,
            report=report,
        )
    except KeyboardInterrupt:
        report("No run was triggered")
        raise
    if dag.is_paused:
        client.unpause(build.dag_id)
        report(f"Unpaused {build.dag_id}")
    run_id = new_run_id()
    try:
        run = client.trigger(build.dag_id, run_id)
    except KeyboardInterrupt:
        report(f"Whether Airflow has started run {run_id} is not known; see {client.page(build.dag_id, run_id)}")
        raise
    report(f"Triggered {run.run_id}")
    return run


def follow(client: AirflowClient, run: Run, wait: Wait) -> Run:
    """Wait for the end of the run, and show its tasks meanwhile. Raises `RunFailed` or `WaitTimeout`."""
    result = Console()
    if not result.is_terminal:
        # A row is then a line, for whatever reads it.
        result = Console(width=_WIDE)
    with Watcher(Console(stderr=True), result) as watcher:
        return wait_for_end(client, run.dag_id, run.run_id, seconds=wait.end, seen=watcher.show, report=watcher.report)
