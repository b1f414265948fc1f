"""Real MLflow servers, and the plugin's MLflow operators in a real Airflow."""

import json
import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timezone
from pathlib import Path

import pytest

from kedro_airflow_k8s.codegen.source import render
from kedro_airflow_k8s.config import load
from kedro_airflow_k8s.plan import plan
from kedro_airflow_k8s.project import Commit, Node, Project
from kedro_airflow_k8s.sandbox.airflow import install
from tests.mlflow.servers import PASSWORD, USERNAME, mlflow_server

AIRFLOW = os.environ.get("TEST_AIRFLOW", "3.3")
SCRIPT = Path(__file__).with_name("execute_tasks.py")


@pytest.fixture(scope="session")
def mlflow(tmp_path_factory):
    """An MLflow server that asks nobody who they are."""
    with mlflow_server(tmp_path_factory.mktemp("mlflow")) as server:
        yield server


@pytest.fixture(scope="session")
def guarded(tmp_path_factory):
    """An MLflow server that asks for a user name and a password."""
    with mlflow_server(tmp_path_factory.mktemp("guarded"), (USERNAME, PASSWORD)) as server:
        yield server


@pytest.fixture(scope="session")
def airflow(tmp_path_factory):
    """The process of a real Airflow that executes single tasks."""
    folder = tmp_path_factory.mktemp("airflow")
    home = {"AIRFLOW_HOME": str(folder), "AIRFLOW__API__BASE_URL": "https://airflow.example.com"}
    with (
        (folder / "airflow.log").open("a") as log,
        subprocess.Popen(
            [install.ensure(AIRFLOW, print), SCRIPT],
            env={**os.environ, **home},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        ) as process,
    ):
        yield process
        process.stdin.close()


@dataclass(frozen=True)
class Operators:
    """The operators of a DAG file, in the process of a real Airflow."""

    process: subprocess.Popen[str]
    file: Path

    def execute(self, *steps: dict, path: str = "", haste: float = 1.0, **environment: str) -> list[dict]:
        """Execute tasks at the same time; return for each its result or its error.

        The clock by which the operators wait runs `haste` times as fast as ours.
        """
        asked = {
            "file": str(self.file),
            "steps": steps,
            "environment": environment,
            "path": [path] if path else [],
            "haste": haste,
        }
        self.process.stdin.write(json.dumps(asked) + "\n")
        self.process.stdin.flush()
        for line in self.process.stdout:
            if line.startswith("DONE "):
                return json.loads(line.removeprefix("DONE "))
        raise AssertionError("Airflow's process has ended")


@pytest.fixture
def operators(airflow, tmp_path) -> Callable[..., Operators]:
    """Return a function that makes a DAG which tracks to an address, and gives its operators."""
    commit = Commit("abc123", datetime(2026, 1, 1, tzinfo=timezone.utc))
    nodes = (Node("one"), Node("two"))
    project = Project("Demo", "demo", tmp_path, "local", "__default__", nodes, commit=commit)

    def make(uri: str, authentication: dict | None = None, experiment: str = "e") -> Operators:
        settings = {
            "image": "registry.example.com/demo:1",
            "namespace": "airflow",
            "experiment_name": experiment,
            "run_name": "demo",
            "mlflow": {"enabled": True, "tracking_uri": uri},
            "authentication": authentication,
        }
        planned = plan(project, load({"run_config": settings}, ["x"]), command="c", today=date(2026, 1, 1))
        file = tmp_path / "demo.py"
        file.write_text(render(planned.dag)[0], encoding="utf-8")
        return Operators(airflow, file)

    return make
