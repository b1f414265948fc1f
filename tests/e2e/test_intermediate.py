"""Data that is not in the catalog, from pod to pod."""

import json

import yaml

from tests.e2e.conftest import SECRET

PIPELINE = """
from kedro.pipeline import node, pipeline


def make():
    return {"numbers": [1, 2, 3]}, lambda number: number + 1


def apply(table, function):
    return [function(number) for number in table["numbers"]]


def report(numbers):
    assert numbers == [2, 3, 4], numbers
    return {"sum": sum(numbers)}


def create_pipeline(**kwargs):
    return pipeline(
        [
            node(make, None, ["table", "function"], name="make"),
            node(apply, ["table", "function"], "numbers", name="apply"),
            node(report, "numbers", "seen", name="report"),
        ]
    )
"""
CATALOG = "seen: {type: json.JSONDataset, filepath: data/08_reporting/seen.json}\n"


def run(project):
    """Run the project's DAG to its end, and return the id of the run."""
    result = project.kedro("run-once", "-w", "5")
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout.splitlines()[-1].partition("runs/")[2] or result.stdout


def test_the_volume_hands_it_on(lab):
    """A function without a name among it; nothing is in the project's own folders that it would not write itself."""
    project = lab.add_project("through-volume", PIPELINE, {"conf/base/catalog.yml": CATALOG})

    run(project)

    left = lab.left()
    assert json.loads(left["08_reporting/seen.json"].read_text("utf-8")) == {"sum": 9}
    assert {name for name in left if name.startswith(".kedro-airflow-k8s/")} == {
        f".kedro-airflow-k8s/{name}.pkl" for name in ("table", "function", "numbers")
    }


def test_a_bucket_hands_it_on_and_is_empty_in_the_end(lab, s3):
    """Without any volume; the login comes from the project's credentials, and stands in no log."""
    login = {"key": "someone", "secret": SECRET, "client_kwargs": {"endpoint_url": s3.meta.endpoint_url}}
    files = {
        "conf/base/catalog.yml": CATALOG,
        "conf/base/credentials.yml": yaml.safe_dump({"storage": login}),
        ".dockerignore": "data\n",
    }
    project = lab.add_project(
        "through-bucket",
        PIPELINE,
        files,
        volume={"disabled": True},
        intermediate_data={"store": "s3://dags/between", "credentials": "storage"},
    )

    run(project)

    (found,) = lab.api("GET", "/dags/through-bucket/dagRuns")["dag_runs"]
    run_id = found["dag_run_id"]
    tasks = lab.states("through-bucket", run_id)
    logs = {task: lab.log("through-bucket", run_id, task) for task in tasks if task != "final"}
    assert set(tasks) == {"make", "apply", "report", "delete_intermediate_data", "final"}
    assert "Removed intermediate data in s3://dags/between/through-bucket-" in logs["delete_intermediate_data"]
    assert not [task for task, log in logs.items() if SECRET in log]
    assert s3.list_objects_v2(Bucket="dags")["KeyCount"] == 0
