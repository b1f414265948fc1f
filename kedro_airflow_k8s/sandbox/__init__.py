"""A local Airflow and an emulated Kubernetes whose pods are processes of this machine."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from shlex import quote

from kedro_airflow_k8s import run
from kedro_airflow_k8s.airflow import connect
from kedro_airflow_k8s.airflow.http import Clock
from kedro_airflow_k8s.build import Build
from kedro_airflow_k8s.config import SandboxConfig
from kedro_airflow_k8s.errors import AirflowError
from kedro_airflow_k8s.sandbox import install, session
from kedro_airflow_k8s.sandbox.image import Image
from kedro_airflow_k8s.sandbox.lacking import lacking
from kedro_airflow_k8s.sandbox.session import Server, Spec

UNFAITHFUL = "Not emulated: resource limits, node selection, image pulls, network policy, paths outside the project"
GONE = "The sandbox is shut down, and with it what still ran in it; --keep leaves it up to look at."
KEPT = "The run did not succeed, as is told above; the sandbox is shut down now."


def run_here(
    build: Build,
    config: SandboxConfig,
    wait: run.Wait,
    *,
    version: str | None,
    keep: bool,
    say: Callable[[str], None],
) -> None:
    """Run the DAG to its end in a sandbox with the Airflow of that version; `keep` it until interrupted.

    Raises `SandboxError`, or what the run itself raises. Nothing of the sandbox is left, whatever happens.
    """
    for line in lacking(build.config, config, tracked=build.tracked):
        say(f"Note: {line}")
    airflow = install.ensure(version, say)
    image = Image(build.project.path, build.project_path, Path(sys.executable))
    say(UNFAITHFUL)
    with session.started(Spec(airflow, image, config.secrets, config.variables), say) as server:
        failure: AirflowError | None = None
        try:
            _run(build, server, wait, say)
        except AirflowError as error:
            failure = error
        _keep_data(build, server, say)
        # A sandbox that broke down is the reason of whatever else went wrong.
        server.check()
        if keep:
            if failure:
                say(str(failure))
            _stay(server, say)
        if failure:
            # Errors of a run speak of an Airflow that stays where it is.
            told = KEPT if keep else f"{failure}\n\n{GONE}"
            raise type(failure)(told) from failure


def _run(build: Build, server: Server, wait: run.Wait, say: Callable[[str], None]) -> None:
    login = {"AIRFLOW_API_USERNAME": server.username, "AIRFLOW_API_PASSWORD": server.password}

    def sleep(seconds: float) -> None:
        # An Airflow that the sandbox has ended does not come back.
        server.check()
        time.sleep(seconds)

    client = connect(server.url, login, report=say, clock=Clock(sleep=sleep))
    started = run.start(build, client, str(server.dags), wait, replace_schedule=False, report=say)
    run.follow(client, started, wait)


def _keep_data(build: Build, server: Server, say: Callable[[str], None]) -> None:
    """Keep what the last run of this DAG wrote, which its volume takes away with it."""
    volumes = [*server.released.glob("*"), *server.claims.glob("*/*")]
    if not volumes:
        return
    kept = install.cache_folder() / "runs" / build.dag_id
    try:
        shutil.rmtree(kept, ignore_errors=True)
        shutil.copytree(max(volumes, key=lambda volume: volume.stat().st_mtime), kept, symlinks=True)
    except OSError as error:
        # What became of the run is worth more than its files.
        say(f"What the run left in its volume could not be kept whole in {kept}: {error}")
    else:
        say(f"What the run left in its volume is in {kept}")


def _stay(server: Server, say: Callable[[str], None]) -> None:
    say(
        f"Airflow stays at {server.url} until Ctrl-C; log in as {server.username} with {server.password}\n"
        "For the plugin's other commands, in another terminal:\n"
        f"  export AIRFLOW_API_USERNAME={quote(server.username)} AIRFLOW_API_PASSWORD={quote(server.password)}\n"
        "and in conf/local/airflow-k8s.yaml, or in the one of another environment:\n"
        f"  host: {server.url}\n"
        f"  output: {server.dags}"
    )
    with suppress(KeyboardInterrupt):
        while True:
            server.check()
            time.sleep(0.5)
