"""Whole DAG runs that a real MLflow tracks: the project's own kedro-mlflow in the pods, a real Airflow."""

import json
import time
from pathlib import PurePosixPath

import pytest

from kedro_airflow_k8s.airflow import connect
from kedro_airflow_k8s.sandbox import session
from kedro_airflow_k8s.sandbox.airflow import install
from kedro_airflow_k8s.sandbox.session import Setup
from tests.e2e.conftest import Lab, write
from tests.mlflow.conftest import AIRFLOW
from tests.mlflow.servers import PASSWORD, USERNAME, pairs
from tests.spaceflights import copy

PIPELINES = {
    # Two nodes at the same time, then one: parameters of each, a metric and an artifact.
    "tracked": """
from kedro.pipeline import node, pipeline


def create_pipeline(**kwargs):
    return pipeline(
        [
            node(lambda alpha: alpha, "params:alpha", "left", name="left"),
            node(lambda beta: beta["gamma"], "params:beta", "right", name="right"),
            node(lambda left, right, delta: (left + right, {"sum": left + right}), ["left", "right", "params:delta"],
                 ["accuracy", "report"], name="last"),
        ]
    )
""",
    # One node that fails until it has been there before, and one that ends well after the MLflow run shows the failure.
    "flawed": """
import time
from pathlib import Path

from kedro.pipeline import node, pipeline


def fail_at_first(alpha):
    attempt = Path("data/attempt")
    if not attempt.exists():
        attempt.touch()
        raise RuntimeError("not at the first time")
    return alpha


def end_after_it(delta):
    import mlflow

    client, run_id, deadline = mlflow.MlflowClient(), mlflow.active_run().info.run_id, time.monotonic() + 30
    while client.get_run(run_id).info.status != "FAILED" and not Path("data/02_intermediate/flaky.pkl").exists():
        if time.monotonic() > deadline:
            # The other one ended before this one took up the run, which set it to running again.
            break
        time.sleep(0.2)
    return delta


def create_pipeline(**kwargs):
    return pipeline(
        [
            node(fail_at_first, "params:alpha", "flaky_result", name="flaky"),
            node(end_after_it, "params:delta", "steady_result", name="steady"),
        ]
    )
""",
    "single": """
from kedro.pipeline import node, pipeline


def create_pipeline(**kwargs):
    return pipeline([node(lambda alpha: alpha, "params:alpha", "only_result", name="only")])
""",
}
CATALOG = """
left: {type: pickle.PickleDataset, filepath: data/02_intermediate/left.pkl}
right: {type: pickle.PickleDataset, filepath: data/02_intermediate/right.pkl}
"{name}_result": {type: pickle.PickleDataset, filepath: "data/02_intermediate/{name}.pkl"}
accuracy: {type: kedro_mlflow.io.metrics.MlflowMetricDataset}
report:
  type: kedro_mlflow.io.artifacts.MlflowArtifactDataset
  dataset: {type: json.JSONDataset, filepath: data/08_reporting/report.json}
"""
MLFLOW = "server: {{mlflow_tracking_uri: {url}}}\ntracking: {{experiment: {{name: Prices of shuttles}}}}\n"
PARAMETERS = "alpha: 1\nbeta: {gamma: 2}\ndelta: last\n"
LOGIN = {"MLFLOW_TRACKING_USERNAME": USERNAME, "MLFLOW_TRACKING_PASSWORD": PASSWORD}
GUARDED = """
run_config:
  secrets: [{secret: mlflow}]
  authentication: {type: Vars, params: [MLFLOW_TRACKING_USERNAME, MLFLOW_TRACKING_PASSWORD]}
"""


@pytest.fixture(scope="module")
def lab(mlflow, guarded, tmp_path_factory):
    """A sandbox with pipelines that are tracked, by an open server or by one that asks for a password."""
    project = copy(tmp_path_factory.mktemp("lab"))
    for name, content in PIPELINES.items():
        write(project, f"src/spaceflights/pipelines/{name}/__init__.py", content)
    write(project, "conf/base/catalog_tracked.yml", CATALOG)
    write(project, "conf/base/parameters_tracked.yml", PARAMETERS)
    write(project, "conf/base/mlflow.yml", MLFLOW.format(url=mlflow.url))
    write(project, "conf/guarded/mlflow.yml", MLFLOW.format(url=guarded.url))
    setup = Setup(
        install.ensure(AIRFLOW, print), project, PurePosixPath("/home/kedro_docker"), {"mlflow": LOGIN}, LOGIN
    )
    with session.started(setup, print) as server:
        place = f"host: {server.url}\noutput: {server.dags}\n"
        write(project, "conf/local/airflow-k8s.yaml", f"{place}run_config: {{volume: {{keep_on_failure: true}}}}\n")
        write(project, "conf/guarded/airflow-k8s.yaml", place + GUARDED)
        login = {"AIRFLOW_API_USERNAME": server.username, "AIRFLOW_API_PASSWORD": server.password}
        yield Lab(project, server, connect(server.url, login))
        server.check()


def run_id_of(result):
    return "kedro__" + result.stdout.partition("kedro__")[2].split()[0]


def test_all_nodes_log_in_one_run(lab, mlflow):
    """It is finished, and has every node's parameters, the metric, the artifact, and the way back to Airflow."""
    result = lab.kedro("-p", "tracked", "run-once", "-w", "8")

    assert result.returncode == 0, result.stdout + result.stderr
    run_id = run_id_of(result)
    found = {pairs(run["data"]["params"])["run_id"]: run for run in mlflow.runs("Prices of shuttles")}
    assert list(found) == [run_id]
    run = found[run_id]
    assert (run["info"]["status"], run["info"]["run_name"]) == ("FINISHED", run_id)
    params = pairs(run["data"]["params"])
    date = params.pop("execution_date")
    assert time.strptime(date[:19], "%Y-%m-%dT%H:%M:%S")
    assert params == {
        "image": "registry.example.com/spaceflights:latest",
        "dag_id": "spaceflights-tracked",
        "run_id": run_id,
        "alpha": "1",
        "beta": "{'gamma': 2}",
        "delta": "last",
    }
    assert {metric["key"]: metric["value"] for metric in run["data"]["metrics"]} == {"accuracy": 3.0}
    files = mlflow.call("GET", "artifacts/list", run_id=run["info"]["run_id"])["files"]
    assert [file["path"] for file in files] == ["report.json"]
    assert pairs(run["data"]["tags"])["airflow.run-page"] == lab.client.page("spaceflights-tracked", run_id)


def test_a_failed_node_fails_the_run_until_it_is_cleared(lab, mlflow):
    """The node that ends well after it does not hide it; all of it tried again is the same MLflow run, finished."""
    result = lab.kedro("-p", "flawed", "run-once", "-w", "8")

    assert result.returncode == 1, result.stdout + result.stderr
    run_id = run_id_of(result)

    def status():
        runs = [run for run in mlflow.runs("Prices of shuttles") if pairs(run["data"]["params"])["run_id"] == run_id]
        return [run["info"]["status"] for run in runs]

    states = lab.states("spaceflights-flawed", run_id)
    assert (states["flaky"], states["steady"], states["finish_mlflow_run"]) == ("failed", "success", "success")
    assert status() == ["FAILED"]
    lab.clear("spaceflights-flawed", run_id, "start_mlflow_run")
    assert lab.end("spaceflights-flawed", run_id) == "success"
    assert status() == ["FINISHED"]


def connection(lab, method, password=""):
    """Make or remove a Connection as an admin does."""
    name = "MLFLOW_TRACKING_PASSWORD"
    if method == "POST":
        lab.api("POST", "/connections", connection_id=name, conn_type="http", password=password)
    else:
        lab.client._transport.send("DELETE", f"{lab.client.api.path}/connections/{name}")


def told(lab, dag_id, run_id):
    """Return everything that Airflow's API says of a run: logs, XComs and rendered templates."""
    tasks = lab.client.tasks(dag_id, run_id)
    logs = [record.text for task in tasks if task.try_number for record in lab.client.log(dag_id, run_id, task)]
    base = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances"
    values = [lab.api("GET", f"{base}/{task.task_id}/xcomEntries") for task in tasks]
    return "\n".join([*logs, json.dumps(values), json.dumps(lab.api("GET", base))])


def test_a_server_that_asks_for_a_password(lab, guarded):
    """A Connection goes before a Variable; a wrong password fails the start with its reason, and stands nowhere."""
    connection(lab, "POST", f"{PASSWORD}-wrong")
    try:
        refused = lab.kedro("-e", "guarded", "-p", "single", "run-once", "-w", "8")
    finally:
        connection(lab, "DELETE")
    granted = lab.kedro("-e", "guarded", "-p", "single", "run-once", "-w", "8")

    assert refused.returncode == 1, refused.stdout + refused.stderr
    assert "refuses (401): You are not authenticated" in refused.stderr
    assert lab.states("spaceflights-single", run_id_of(refused))["only"] == "upstream_failed"
    assert granted.returncode == 0, granted.stdout + granted.stderr
    # The start failed while the volume was still being filled.
    assert list(lab.server.claims.glob("*/spaceflights-single-*")) == []
    (run,) = guarded.runs("Prices of shuttles")
    assert (run["info"]["status"], pairs(run["data"]["params"])["alpha"]) == ("FINISHED", "1")
    everything = [told(lab, "spaceflights-single", run_id_of(result)) for result in (refused, granted)]
    dag = (lab.server.dags / "spaceflights-single.py").read_text(encoding="utf-8")
    assert PASSWORD not in "".join([*everything, dag, refused.stdout, refused.stderr, granted.stdout, granted.stderr])
