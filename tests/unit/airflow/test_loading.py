"""Waiting for a delivered file: this very build, its own import errors, and what is said when neither comes."""

import pytest

from kedro_airflow_k8s.airflow import connect, look, wait_until_loaded
from kedro_airflow_k8s.errors import AirflowUnreachable, DagNotLoaded

from .conftest import LOGIN, Fault

BUILD = "0123456789ab"


def wait(client, before, said=None, **more):
    arguments = {"file_name": "demo.py", "output": "s3://dags", **more}
    return wait_until_loaded(
        client, "demo", BUILD, before, report=(said if said is not None else []).append, **arguments
    )


def broken(traceback, timestamp="1", filename="/dags/demo.py"):
    return {"filename": filename, "timestamp": timestamp, "stack_trace": traceback}


def test_a_new_dag_is_waited_for(airflow, client, time, said):
    """Until its documentation names the build, with a word on how long that takes."""
    before = look(client, "demo", "demo.py")
    time.at = [(7, lambda: airflow.add_dag("demo", doc_md=f"text\n\n{BUILD}", is_paused=True))]
    dag = wait(client, before, said)

    assert dag.is_paused
    assert 7 <= time.time <= 8
    assert [
        "Waiting up to 600 s for Airflow to load demo; it looks for new files every 5 min, unless told otherwise"
    ] == said


def test_an_earlier_build_is_not_taken_for_this_one(airflow, client, time):
    """Nor is the file parsed no earlier than Airflow would by itself: that is asked for."""
    airflow.add_dag("demo", doc_md="another build")
    before = look(client, "demo", "demo.py")
    time.at = [(7, lambda: airflow.dags["demo"].update(doc_md=BUILD))]
    wait(client, before)

    assert time.time >= 7
    assert [("PUT", f"{airflow.api}/parseDagFile/token-of-demo")] == airflow.asked("PUT")


@pytest.mark.parametrize(("version", "seconds"), [("3.3.2", 0), ("3.1.0", 0), ("3.0.6", 10), ("2.11.2", 10)])
def test_airflow_2_needs_longer_to_forget_a_dag(serve, time, version, seconds):
    """Each of its web servers keeps what it has read for 10 s, and any of them may get the trigger."""
    state = serve(version=version)
    client = connect(state.url, LOGIN, clock=time.clock)
    state.add_dag("demo", doc_md="another build")
    before = look(client, "demo", "demo.py")
    state.dags["demo"]["doc_md"] = BUILD
    wait(client, before)

    assert seconds == time.time


def test_what_is_loaded_already_is_not_waited_for(airflow, client, time, said):
    """An unchanged file goes straight on."""
    airflow.add_dag("demo", doc_md=BUILD)
    wait(client, look(client, "demo", "demo.py"), said, unchanged=True)

    assert (0, []) == (time.time, said)


def test_a_return_to_the_build_before_a_broken_one(airflow, client, time):
    """Airflow still has that build, but runs nothing of a file that it cannot import."""
    airflow.add_dag("demo", doc_md=BUILD, has_import_errors=True, is_stale=True)
    airflow.import_errors = [broken("of the build between")]
    before = look(client, "demo", "demo.py")
    time.at = [(7, lambda: airflow.dags["demo"].update(has_import_errors=False, is_stale=False))]
    wait(client, before)

    assert 7 <= time.time <= 8


def test_a_file_that_cannot_be_imported(airflow, client, time):
    """Airflow's own traceback, at once."""
    before = look(client, "demo", "demo.py")
    trace = "Traceback (most recent call last):\n  File ...\nModuleNotFoundError: No module named 'x'\n"
    time.at = [(2, lambda: airflow.import_errors.append(broken(trace)))]
    with pytest.raises(DagNotLoaded) as error:
        wait(client, before)

    assert (
        f"Airflow at {airflow.url} cannot import /dags/demo.py:\n  Traceback (most recent call last):\n    File ...\n"
        "  ModuleNotFoundError: No module named 'x'"
    ) == str(error.value)
    assert time.time <= 5


def test_an_import_error_of_the_former_file_does_not_count(airflow, client, time):
    """Not even when Airflow tries the former file once more; the new one is then loaded."""
    airflow.import_errors = [broken("old")]
    before = look(client, "demo", "demo.py")
    time.at = [
        (10, lambda: airflow.import_errors[0].update(timestamp="2")),
        (20, lambda: (airflow.import_errors.clear(), airflow.add_dag("demo", doc_md=BUILD))),
    ]

    assert BUILD == wait(client, before).doc_md


def test_another_import_error_than_before_counts_at_once(airflow, client, time):
    """It can only be the new file's."""
    airflow.import_errors = [broken("old")]
    before = look(client, "demo", "demo.py")
    time.at = [(4, lambda: airflow.import_errors[0].update(stack_trace="new", timestamp="2"))]
    with pytest.raises(DagNotLoaded, match=r"cannot import /dags/demo\.py:\n  new"):
        wait(client, before)

    assert time.time <= 8


def test_the_same_import_error_counts_once_airflow_has_had_time_to_try_the_new_file(airflow, client, time):
    """A mistake that the new build has too is shown after a minute, not after the whole wait."""
    airflow.import_errors = [broken("old")]
    before = look(client, "demo", "demo.py")
    time.at = [(40, lambda: airflow.import_errors[0].update(timestamp="2"))]
    with pytest.raises(DagNotLoaded, match="cannot import"):
        wait(client, before)

    assert 60 <= time.time <= 75


def test_the_import_error_of_an_unchanged_file_is_its_own(airflow, client, time):
    """Nothing new can be expected."""
    airflow.import_errors = [broken("old")]
    with pytest.raises(DagNotLoaded, match="cannot import"):
        wait(client, look(client, "demo", "demo.py"), unchanged=True)

    assert 0 == time.time


def test_a_dag_that_airflow_2_does_not_have_ready_yet(serve, time, said):
    """It knows of the DAG, but crashes over its details: to the user it is not loaded yet."""
    state = serve(version="2.11.2")
    client = connect(state.url, LOGIN, report=said.append, clock=time.clock)
    before = look(client, "demo", "demo.py")
    state.add_dag("demo", doc_md=BUILD)
    state.faults = [Fault("status", "GET", "/details", status=500, body="<html><title>Ooops</title></html>", times=8)]
    wait(client, before, said)

    assert 7 <= time.time <= 9
    assert ["Waiting up to 600 s"] == [line[:19] for line in said]


def test_who_may_not_read_import_errors_waits_without(airflow, client, time):
    """That right is a separate one."""
    airflow.faults = [Fault("status", "GET", "/importErrors", status=403, times=99)]
    time.at = [(7, lambda: airflow.add_dag("demo", doc_md=BUILD))]

    assert BUILD == wait(client, look(client, "demo", "demo.py")).doc_md


@pytest.mark.parametrize(
    ("prepare", "expected"),
    [
        (lambda state: None, "did not pick up demo within 600 s; is s3://dags the folder from which it reads DAGs"),
        (
            lambda state: state.add_dag("demo", doc_md="another", fileloc="/elsewhere/demo.py"),
            "it has an earlier one, read from /elsewhere/demo.py: is that s3://dags?",
        ),
        (
            lambda state: state.import_errors.append(broken("old\ntrace")),
            "it still reports, as before the upload, that it cannot import /dags/demo.py:\n  old\n  trace",
        ),
    ],
    ids=["unknown", "earlier build", "still broken"],
)
def test_the_time_limit_says_what_to_check(airflow, client, time, prepare, expected):
    """And until then the server is not hammered: at most 400 requests in 10 minutes."""
    prepare(airflow)
    before = look(client, "demo", "demo.py")
    airflow.requests.clear()
    with pytest.raises(DagNotLoaded) as error:
        wait(client, before, seconds=600)

    assert expected in str(error.value)
    assert 600 <= time.time <= 605
    assert len(airflow.requests) <= 400


def test_an_airflow_that_restarts_is_waited_for(airflow, client, time, said):
    """What is wrong meanwhile is said once, and that it is over."""
    before = look(client, "demo", "demo.py")
    airflow.faults = [Fault("status", status=503, times=20)]
    time.at = [(60, lambda: airflow.add_dag("demo", doc_md=BUILD))]
    wait(client, before, said)

    assert 1 == sum("waiting for it to come back" in line for line in said)
    assert 1 == said.count("Airflow answers again")


def test_an_airflow_that_stays_away_is_not(airflow, client, time):
    """After some minutes it is an error."""
    before = look(client, "demo", "demo.py")
    airflow.faults = [Fault("status", status=503, times=9999)]
    with pytest.raises(AirflowUnreachable, match="it answers 503"):
        wait(client, before)

    assert 300 <= time.time <= 340
