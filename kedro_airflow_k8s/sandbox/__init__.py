"""A local Airflow and an emulated Kubernetes whose pods are processes of this machine."""

from __future__ import annotations

import shutil
import time
from contextlib import suppress
from shlex import quote

from kedro_airflow_k8s import run
from kedro_airflow_k8s.airflow import connect
from kedro_airflow_k8s.airflow.http import Clock
from kedro_airflow_k8s.build import Build
from kedro_airflow_k8s.config import SandboxConfig
from kedro_airflow_k8s.errors import AirflowError
from kedro_airflow_k8s.model import Report
from kedro_airflow_k8s.sandbox import session
from kedro_airflow_k8s.sandbox.airflow import install
from kedro_airflow_k8s.sandbox.cluster_settings import cluster_settings
from kedro_airflow_k8s.sandbox.image_path import image_path
from kedro_airflow_k8s.sandbox.lacking import lacking
from kedro_airflow_k8s.sandbox.session import Sandbox, Setup

UNFAITHFUL = "Not emulated: limits of CPU, taints, network policy, paths outside the project"
GONE = "The sandbox is shut down, and with it what still ran in it; --keep leaves it up to look at."
KEPT = "The run did not succeed, as is told above; the sandbox is shut down now."


def run_here(
    build: Build,
    config: SandboxConfig,
    wait: run.Wait,
    *,
    version: str | None,
    keep: bool,
    report: Report,
) -> None:
    """Run the DAG to its end in a sandbox with the Airflow of that version; `keep` it until interrupted.

    Raises `SandboxError`, or what the run itself raises. Nothing of the sandbox is left, whatever happens.
    """
    for line in lacking(build.config, config, tracked=build.tracked):
        report(f"Note: {line}")
    airflow = install.ensure(version, report)
    report(UNFAITHFUL)
    setup = Setup(
        airflow,
        build.project.path,
        image_path(build.project.path, build.project.workdir, build.project_path),
        config.secrets,
        config.variables,
        cluster=cluster_settings(config.cluster),
    )
    with session.started(setup, report) as sandbox:
        failure: AirflowError | None = None
        try:
            _run(build, sandbox, wait, report)
        except AirflowError as error:
            failure = error
        _keep_data(build, sandbox, report)
        # A sandbox that broke down is the reason of whatever else went wrong.
        sandbox.check()
        if keep:
            if failure:
                report(str(failure))
            _stay(sandbox, report)
        if failure:
            # Errors of a run speak of an Airflow that stays where it is.
            told = KEPT if keep else f"{failure}\n\n{GONE}"
            raise type(failure)(told) from failure


def _run(build: Build, sandbox: Sandbox, wait: run.Wait, report: Report) -> None:
    login = {"AIRFLOW_API_USERNAME": sandbox.username, "AIRFLOW_API_PASSWORD": sandbox.password}

    def sleep(seconds: float) -> None:
        # An Airflow that the sandbox has ended does not come back.
        sandbox.check()
        time.sleep(seconds)

    client = connect(sandbox.url, login, report=report, clock=Clock(sleep=sleep))
    started = run.start(build, client, str(sandbox.dags), wait, replace_schedule=False, report=report)
    run.follow(client, started, wait)


def _keep_data(build: Build, sandbox: Sandbox, report: Report) -> None:
    """Keep what the last run of this DAG wrote, which its volume takes away with it."""
    volumes = [*sandbox.released.glob("*"), *sandbox.claims.glob("*/*")]
    if not volumes:
        return
    kept = install.cache_folder() / "runs" / build.dag_id
    try:
        # What a run writes may be confidential, whatever the access rights of its single files.
        kept.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        kept.parent.chmod(0o700)
        shutil.rmtree(kept, ignore_errors=True)
        shutil.copytree(max(volumes, key=lambda volume: volume.stat().st_mtime), kept, symlinks=True)
    except OSError as error:
        # What became of the run is worth more than its files.
        report(f"What the run left in its volume could not be kept whole in {kept}: {error}")
    else:
        report(f"What the run left in its volume is in {kept}")


def _stay(sandbox: Sandbox, report: Report) -> None:
    report(
        f"Airflow stays at {sandbox.url} until Ctrl-C; log in as {sandbox.username} with {sandbox.password}\n"
        "For the plugin's other commands, in another terminal:\n"
        f"  export AIRFLOW_API_USERNAME={quote(sandbox.username)} AIRFLOW_API_PASSWORD={quote(sandbox.password)}\n"
        "and in conf/local/airflow-k8s.yaml, or in the one of another environment:\n"
        f"  host: {sandbox.url}\n"
        f"  output: {sandbox.dags}"
    )
    with suppress(KeyboardInterrupt):
        while True:
            sandbox.check()
            time.sleep(0.5)
