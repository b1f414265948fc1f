"""What the configuration promises, on pods that really start."""

import json
import textwrap
import time
from pathlib import Path

from tests.e2e.conftest import TRICKY, process_like, wait_for


def upload(lab, environment, dag_id):
    """Upload the DAG of a pipeline, wait until Airflow has loaded it, and return its id."""
    pipeline = dag_id.rpartition("-")[2]
    result = lab.kedro("-e", environment, "-p", pipeline, "upload-pipeline")
    assert result.returncode == 0, result.stdout + result.stderr
    build_id = (lab.server.dags / f"{dag_id}.py").read_text().partition("Build id: ")[2][:12]
    wait_for(lambda: (dag := lab.client.dag(dag_id)) and build_id in dag.doc_md)
    return dag_id


def edit(lab, environment, pipeline, dag_id, changes):
    """Put the DAG of a pipeline with some changes to its text into Airflow's folder, and wait until it is loaded."""
    folder = lab.server.dags.parent / "compiled"
    result = lab.kedro("-e", environment, "-p", pipeline, "compile", "-t", str(folder))
    assert result.returncode == 0, result.stdout + result.stderr
    text = Path(result.stdout.splitlines()[-1]).read_text(encoding="utf-8")
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    (lab.server.dags / f"{dag_id}.py").write_text(text, encoding="utf-8")
    wait_for(lambda: lab.client.dag(dag_id))


def trigger(lab, dag_id, run_id):
    """Trigger a run as Airflow's own page does; on Airflow 3 it has no logical date."""
    dateless = {"logical_date": None} if lab.client.version.major == 3 else {}
    lab.client.unpause(dag_id)
    lab.api("POST", f"/dags/{dag_id}/dagRuns", dag_run_id=run_id, **dateless)


def looks(lab):
    return [json.loads(lab.left()[f"08_reporting/{name}.json"].read_text("utf-8")) for name in ("first", "second")]


def test_parameters_variables_and_secrets_arrive(lab):
    """Macros and Variables arrive as the exact text, secrets as environment and files."""
    result = lab.kedro("-e", "inputs", "-p", "probe", "run-once", "-w", "5")

    assert result.returncode == 0, result.stdout + result.stderr
    for look in looks(lab):
        parameters, environment = look["parameters"], look["environment"]
        assert (parameters["tricky"], parameters["number"], parameters["limits"]) == (TRICKY, "00123", '{"a": [1, 2]}')
        assert parameters["ds"] == parameters["prev_ds"] == f"{time.gmtime().tm_year}" + parameters["ds"][4:]
        assert parameters["ts_nodash"].startswith(parameters["ds"].replace("-", "") + "T")
        assert parameters["run_id"].startswith("kedro__")
        assert environment["API_HOST"] == "http://api/$(HOME)?a=1&b"
        assert (environment["DB_PASSWORD"], environment["FROM_ALL"]) == (TRICKY, "1")
        assert look["secret"] == "-----BEGIN-----\n"
    assert "raw" in str(looks(lab)[0]["data"])
    assert TRICKY.strip()[:20] not in result.stdout + result.stderr


def test_nodes_that_are_deferred(lab):
    """As in an Airflow that defers whatever can be: between start and end of its pod a node holds no worker."""
    changes = {"spaceflights-probe": "deferred", "default_args={": 'default_args={"deferrable": True, '}
    edit(lab, "empty", "probe", "deferred", changes)

    trigger(lab, "deferred", "by-hand")
    wait_for(lambda: lab.states("deferred", "by-hand").get("first") == "deferred")

    assert lab.end("deferred", "by-hand") == "success"
    assert looks(lab)[0]["argv"][-1] == "--nodes=first"


def test_a_missing_secret_is_what_the_failure_says(lab):
    """The pod never starts, and the task's log tells why, as in a cluster."""
    result = lab.kedro("-e", "missing", "-p", "flaky", "run-once", "-w", "5")

    assert result.returncode == 1, result.stdout + result.stderr
    assert 'secret "not-there" not found' in result.stderr


def test_a_run_without_a_logical_date(lab):
    """It succeeds, with a claim of its own, if the pipeline needs no macro of a date."""
    dag_id = upload(lab, "empty", "spaceflights-probe")

    trigger(lab, dag_id, "by-hand")

    assert lab.end(dag_id, "by-hand") == "success"
    assert looks(lab)[0]["data"] == []


def test_a_macro_without_a_value_fails_before_any_pod_starts(lab):
    """On Airflow 3 a run by hand has no date; the first task that would start a pod says which macro lacks it."""
    dag_id = upload(lab, "inputs", "spaceflights-probe")

    trigger(lab, dag_id, "by-hand-with-macros")

    if lab.client.version.major == 2:
        assert lab.end(dag_id, "by-hand-with-macros") == "success"
        return
    assert lab.end(dag_id, "by-hand-with-macros") == "failed"
    states = lab.states(dag_id, "by-hand-with-macros")
    assert (states["data_volume_init"], states["first"]) == ("failed", "upstream_failed")
    log = lab.log(dag_id, "by-hand-with-macros", "data_volume_init")
    assert "The macro ds of run_config.macro_params has no value" in log


def test_a_pipeline_without_a_volume(lab):
    """Only the nodes are left, and run."""
    result = lab.kedro("-e", "diskless", "-p", "flaky", "run-once", "-w", "5")

    assert result.returncode == 1, result.stdout + result.stderr
    assert "not at the first time" in result.stderr
    assert "create_pipeline_storage" not in result.stdout
    assert not lab.server.released.exists()


def test_a_failed_task_that_is_cleared_turns_the_run_green(lab):
    """With keep_on_failure the claim of the failed run stays, and its task goes on where it was."""
    result = lab.kedro("-e", "keep", "-p", "flaky", "run-once", "-w", "5")

    assert result.returncode == 1, result.stdout + result.stderr
    assert "not at the first time" in result.stderr
    (claim,) = lab.claims()
    assert (claim / "attempt").exists()
    run_id = "kedro__" + result.stdout.partition("kedro__")[2].split()[0]
    lab.clear("spaceflights-flaky", run_id, "flaky")
    assert lab.end("spaceflights-flaky", run_id) == "success"
    assert json.loads(lab.left()["08_reporting/flaky.json"].read_text()) == {"attempts": 2}
    assert lab.claims() == set()


# How either Airflow calls a process that executes a task.
EXECUTING = r"airflow (task runner: |worker -- [0-9a-f-]{36}$)"


# A pipeline of one node that notes each time it is started, and ends when it is told to.
SLOW = """
import time
from pathlib import Path

from kedro.pipeline import node, pipeline


def wait(_):
    with Path("data/starts").open("a") as starts:
        starts.write("started\\n")
    deadline = time.monotonic() + 200
    while time.monotonic() < deadline and not Path("data/end").exists():
        time.sleep(0.2)


def create_pipeline(**kwargs):
    return pipeline([node(wait, "params:ds", None, name="wait")])
"""


def test_a_task_whose_worker_died_finds_its_pod_again(lab):
    """The pod outlives the worker; when the task is tried again it is watched again, and not started twice."""
    slow = lab.add_project("slow", SLOW, volume={"keep_on_failure": True})
    running = slow.kedro("run-once")
    assert running.returncode == 0, running.stdout + running.stderr
    run_id = "kedro__" + running.stdout.partition("kedro__")[2].split()[0]
    (started,) = wait_for(lambda: list(lab.server.claims.glob("*/*/starts")))

    process_like(EXECUTING, lab.server.dags.parent).kill()

    assert lab.end("slow", run_id) == "failed"
    lab.clear("slow", run_id, "wait")
    wait_for(lambda: "Found matching pod" in lab.log("slow", run_id, "wait"))
    started.with_name("end").touch()
    assert lab.end("slow", run_id) == "success"
    assert lab.left()["starts"].read_text() == "started\n"


UPSTREAM = """
from datetime import datetime, timezone

from airflow.models import DAG
try:
    from airflow.providers.standard.operators.empty import EmptyOperator
except ImportError:
    from airflow.operators.empty import EmptyOperator

with DAG("upstream", schedule="@yearly", start_date=datetime(2024, 1, 1, tzinfo=timezone.utc), catchup=False):
    EmptyOperator(task_id="done")
"""


def scheduled_run(lab, dag_id):
    """Unpause a DAG and return the run that its schedule makes."""
    lab.client.unpause(dag_id)

    def scheduled():
        return [run["dag_run_id"] for run in lab.runs(dag_id) if run["dag_run_id"].startswith("scheduled__")]

    return wait_for(scheduled)[-1]


def test_a_scheduled_dag_waits_for_its_upstream(lab):
    """The sensor holds the pipeline back until the other DAG's run of the same date is a success."""
    dag_id = "waiting-probe"
    # It looks every 3 s, not once a minute.
    edit(lab, "waiting", "probe", dag_id, {'mode="reschedule"': 'mode="reschedule", poke_interval=3'})
    (lab.server.dags / "upstream.py").write_text(textwrap.dedent(UPSTREAM))
    wait_for(lambda: lab.client.dag("upstream"))
    run_id = scheduled_run(lab, dag_id)
    wait_for(lambda: lab.states(dag_id, run_id).get("wait_for_upstream") == "up_for_reschedule")
    waiting = lab.states(dag_id, run_id)
    scheduled_run(lab, "upstream")

    assert (waiting["wait_for_upstream"], waiting["create_pipeline_storage"]) == ("up_for_reschedule", None)
    assert lab.end(dag_id, run_id) == "success"


def test_a_dependency_that_does_not_exist_fails_at_once(lab):
    """Airflow 3's own sensor would wait for its timeout."""
    dag_id = upload(lab, "lost", "lost-flaky")

    run_id = scheduled_run(lab, dag_id)

    assert lab.end(dag_id, run_id) == "failed"
    assert "The external DAG no-such-dag does not exist" in lab.log(dag_id, run_id, "wait_for_no-such-dag")
