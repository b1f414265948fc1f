"""A sandbox per supported Airflow for the tests of the commands, and the commands run as a user runs them."""

import os
import shutil
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pytest

from kedro_airflow_k8s.airflow import AirflowClient, connect
from kedro_airflow_k8s.sandbox import install, session
from kedro_airflow_k8s.sandbox.image import Image
from kedro_airflow_k8s.sandbox.session import Server, Spec

SPACEFLIGHTS = Path(__file__).parents[1] / "projects/spaceflights"
AIRFLOWS = ("3.3", "2.11")

# A pipeline that tells in what its nodes ran.
PROBE = """
import json
import os
import sys

from kedro.pipeline import node, pipeline


def look(*_):
    import spaceflights

    spaceflights.seen = getattr(spaceflights, "seen", 0) + 1
    return {"pid": os.getpid(), "seen": spaceflights.seen, "environment": dict(os.environ), "argv": sys.argv}


def create_pipeline(**kwargs):
    return pipeline(
        [node(look, "params:ds", "first_look", name="first"), node(look, "first_look", "second_look", name="second")]
    )
"""

CATALOG = """
first_look: {type: json.JSONDataset, filepath: data/08_reporting/first.json}
second_look: {type: json.JSONDataset, filepath: data/08_reporting/second.json}
"""


def kedro(project: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `kedro ARGUMENTS` in the project, wide enough for whole lines."""
    return subprocess.run(
        [sys.executable, "-m", "kedro", *arguments],
        cwd=project,
        env={**os.environ, "DO_NOT_TRACK": "1", "COLUMNS": "200", **environment},
        capture_output=True,
        text=True,
        timeout=540,
        check=False,
    )


def write(project: Path, name: str, content: str) -> None:
    """Write a file of the project."""
    (project / name).parent.mkdir(parents=True, exist_ok=True)
    (project / name).write_text(textwrap.dedent(content), encoding="utf-8")


@pytest.fixture
def spaceflights(tmp_path):
    """A copy of the project, outside git."""
    return Path(shutil.copytree(SPACEFLIGHTS, tmp_path / "spaceflights"))


@dataclass(frozen=True)
class Lab:
    """A project, and an Airflow that runs its pods."""

    project: Path
    server: Server
    client: AirflowClient

    def kedro(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the plugin that talks to this Airflow."""
        login = {"AIRFLOW_API_USERNAME": self.server.username, "AIRFLOW_API_PASSWORD": self.server.password}
        return kedro(self.project, "airflow-k8s", *arguments, **login)

    def left(self) -> dict[str, Path]:
        """Return the files that the last run left in its volume, by their paths in it."""
        (volume,) = self.server.released.iterdir()
        return {str(file.relative_to(volume)): file for file in volume.rglob("*") if file.is_file()}


@pytest.fixture(scope="session", params=AIRFLOWS)
def shared_lab(request, tmp_path_factory):
    """A sandbox with the spaceflights project, a pipeline more and an environment in which a node fails."""
    project = Path(shutil.copytree(SPACEFLIGHTS, tmp_path_factory.mktemp("lab") / "spaceflights"))
    write(project, "src/spaceflights/pipelines/probe/__init__.py", PROBE)
    write(project, "conf/base/catalog_probe.yml", CATALOG)
    write(project, "conf/broken/parameters.yml", "features: [no_such_column]\n")
    python = install.ensure(request.param, print)
    image = Image(project, PurePosixPath("/home/kedro_docker"), Path(sys.executable))
    with session.started(Spec(python, image), print) as server:
        for environment in ("local", "broken"):
            settings = f"host: {server.url}\noutput: {server.dags}\n"
            write(project, f"conf/{environment}/airflow-k8s.yaml", settings)
        login = {"AIRFLOW_API_USERNAME": server.username, "AIRFLOW_API_PASSWORD": server.password}
        yield Lab(project, server, connect(server.url, login))


@pytest.fixture
def lab(shared_lab):
    """The sandbox, without what an earlier test left in volumes."""
    shutil.rmtree(shared_lab.server.released, ignore_errors=True)
    return shared_lab
