"""`run-once` against a real Airflow, whose pods are real processes."""

import json


def states(result):
    """Return the state of each task in the table that a run ends with."""
    rows = [line.split() for line in result.stdout.splitlines()]
    return {row[0]: row[1] for row in rows if len(row) > 1 and row[0] in TASKS}


TASKS = """
create_pipeline_storage data_volume_init preprocess-companies preprocess-reviews preprocess-shuttles
create-model-input-table split-data train-model predict evaluate-model delete_pipeline_storage final first second
""".split()


def test_every_node_runs_alone(lab):
    """Each node has a process of its own, nothing of its neighbour's memory, and only the environment of its pod."""
    result = lab.kedro("-p", "probe", "run-once", "-w", "5")

    assert result.returncode == 0, result.stdout + result.stderr
    first, second = (
        json.loads(lab.left()[f"08_reporting/{name}.json"].read_text(encoding="utf-8")) for name in ("first", "second")
    )
    assert first["pid"] != second["pid"]
    assert (first["seen"], second["seen"]) == (1, 1)
    assert first["argv"][1:] == ["run", "--env=local", "--pipeline=probe", "--nodes=first"]
    allowed = {"HOME", "HOSTNAME", "LANG", "PATH", "TMPDIR"}
    kedros_own = {name for name in first["environment"] if name.startswith(("KEDRO", "LC_", "PYTHON", "OMP", "_"))}
    assert first["environment"].keys() - kedros_own <= allowed


def test_the_run_is_found_by_its_address_and_its_claim_is_gone(lab):
    """The address of the run is what the command prints; Airflow calls the run a success; no claim remains."""
    result = lab.kedro("-p", "probe", "run-once", "-w", "5")

    assert result.returncode == 0, result.stdout + result.stderr
    (address,) = (line for line in result.stdout.splitlines() if line.startswith("http"))
    run_id = address.partition("kedro__")[2]
    assert lab.client.run("spaceflights-probe", f"kedro__{run_id}").state == "success"
    assert states(result) == dict.fromkeys(
        ["create_pipeline_storage", "data_volume_init", "first", "second", "delete_pipeline_storage", "final"],
        "success",
    )
    assert lab.claims() == set()


def test_a_node_that_fails(lab):
    """Exit code 1, the node's traceback on the terminal, nothing after it run, and clean-up does not hide it."""
    result = lab.kedro("-e", "broken", "run-once", "-w")

    assert result.returncode == 1, result.stdout + result.stderr
    # The pipeline that fails at its first time is in __default__ too.
    assert "failed, because of flaky, train-model" in result.stderr
    assert "KeyError" in result.stderr
    assert "no_such_column" in result.stderr
    found = states(result)
    assert found["train-model"] == "failed"
    assert [found[task] for task in ("predict", "evaluate-model", "final")] == ["upstream_failed"] * 3
    assert found["delete_pipeline_storage"] == "success"
    assert lab.claims() == set()
    run_id = next(line for line in result.stdout.splitlines() if line.startswith("http")).partition("kedro__")[2]
    assert lab.client.run("spaceflights", f"kedro__{run_id}").state == "failed"
