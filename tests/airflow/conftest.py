"""The golden files, loaded by the Airflow that runs these tests."""

import importlib.util
import json
import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from tests.airflow.kubernetes import Kubernetes, serve

GOLDEN = Path(__file__).parents[1] / "golden"
FILES = sorted(GOLDEN.glob("*.py"))


@pytest.fixture(scope="session", autouse=True)
def database():
    """Give Airflow the metadata database that it looks things up in while it loads a file."""
    environment = {**os.environ, "AIRFLOW__LOGGING__LOGGING_LEVEL": "ERROR"}
    subprocess.run([sys.executable, "-m", "airflow", "db", "migrate"], env=environment, check=True, capture_output=True)


def load(file: Path):
    """Return the module that a DAG file makes, and the warnings it gave."""
    spec = importlib.util.spec_from_file_location(f"golden_{file.stem}", file)
    module = importlib.util.module_from_spec(spec)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        spec.loader.exec_module(module)
    return module, [str(warning.message) for warning in caught if warning.filename == str(file)]


def dag_of(file: Path):
    """Return the DAG of the file as Airflow itself collects it."""
    from airflow.models import DagBag

    bag = DagBag(str(file))
    assert bag.import_errors == {}
    (dag,) = bag.dags.values()
    return dag


@pytest.fixture
def spaceflights():
    """The DAG of the spaceflights project."""
    return dag_of(GOLDEN / "spaceflights.py")


@pytest.fixture
def cluster(tmp_path, monkeypatch):
    """A Kubernetes that the operators reach by Airflow's connection."""
    kubernetes = Kubernetes()
    server = serve(kubernetes)
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{server.server_port}"}}],
        "users": [{"name": "u", "user": {}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
    (tmp_path / "config").write_text(json.dumps(config))
    monkeypatch.setenv(
        "AIRFLOW_CONN_KUBERNETES_DEFAULT",
        json.dumps({"conn_type": "kubernetes", "extra": {"kube_config_path": str(tmp_path / "config")}}),
    )
    yield kubernetes
    server.shutdown()
    server.server_close()
