"""What a task waits for, while Airflow calls it running."""

import pytest

from kedro_airflow_k8s.airflow import wait_for_end
from kedro_airflow_k8s.contract import POD_ENDED, POD_WAITS
from kedro_airflow_k8s.errors import RunFailed

from .conftest import Fault

OPERATOR = "airflow.task.operators.NodePodOperator"
MANAGER = "airflow.providers.cncf.kubernetes.utils.pod_manager.PodManager"
REASON = "ImagePullBackOff: no such image demo:1"


def log(airflow, *lines):
    """Write down a log as that version of Airflow gives it; a line in brackets is one of the pod."""
    if airflow.version.startswith("2"):
        entries = [
            f"[2026-01-01T00:00:00.000+0000] {{{'pod_manager' if line.startswith('[') else 'demo'}.py:1}} INFO - {line}"
            for line in lines
        ]
        return repr([("host", "\n".join(entries))])
    return [{"event": line, "logger": MANAGER if line.startswith("[") else OPERATOR} for line in lines]


@pytest.fixture
def watched(airflow, client, time):
    """Return a function that waits for the end of a run, and returns the notes of task `a` with their times."""

    def watch(**arguments):
        notes = [(0.0, "")]

        def seen(run, tasks):
            note = next(task.note for task in tasks if task.task_id == "a")
            if note != notes[-1][1]:
                notes.append((time.time, note))

        wait_for_end(client, "demo", "r", seen=seen, **arguments)
        return notes[1:]

    return watch


@pytest.mark.parametrize("state", ["running", "deferred"])
def test_why_a_pod_waits_is_shown_within_15_s(airflow, time, watched, state):
    """And is kept current, until a container has started."""
    run = airflow.add_run()
    airflow.add_task("a", None, 0)

    def start():
        airflow.tasks[0].update(state=state, try_number=1)
        airflow.logs["a"] = log(airflow, "Creating the pod")

    def change(*lines):
        airflow.logs["a"] = log(airflow, "Creating the pod", *lines)

    time.at = [
        (100, start),
        (110, lambda: change(f"{POD_WAITS}{REASON}")),
        (200, lambda: change(f"{POD_WAITS}{REASON}", f"{POD_WAITS}something else")),
        (300, lambda: change(f"{POD_WAITS}something else", "[base] kedro starts")),
        (400, lambda: run.update(state="success")),
    ]
    (first, reason), (second, another), (third, nothing) = watched()

    assert (REASON, "something else", "") == (reason, another, nothing)
    assert first <= 125
    assert second <= 230
    assert third <= 330


def test_a_log_is_not_read_once_the_pod_has_written_a_line(airflow, time, watched):
    """It may be long, and says nothing more of why a pod waits."""
    run = airflow.add_run()
    airflow.add_task("a", "running")
    airflow.logs["a"] = log(airflow, "[base] kedro starts")
    time.at = [(600, lambda: run.update(state="success"))]
    watched()

    assert 1 == len(airflow.asked("GET", "/logs/1"))


def test_another_try_is_looked_at_anew(airflow, time, watched):
    """Its pod is another one."""
    run = airflow.add_run()
    airflow.add_task("a", "running")
    airflow.logs["a"] = log(airflow, f"{POD_WAITS}{REASON}")

    def again():
        airflow.tasks[0].update(try_number=2)
        airflow.logs["a"] = log(airflow, f"{POD_WAITS}a node")

    time.at = [(60, again), (120, lambda: run.update(state="success"))]

    assert [REASON, "", "a node", ""] == [note for _, note in watched()]


@pytest.mark.parametrize(
    "fault", [Fault("status", path="/logs", status=403, times=99), Fault("reset", path="/logs", times=99)]
)
def test_a_log_that_cannot_be_read_does_not_end_the_wait(airflow, time, watched, fault):
    """Nor does it make it wait longer."""
    run = airflow.add_run()
    airflow.add_task("a", "running")
    airflow.faults = [fault]
    time.at = [(60, lambda: run.update(state="success"))]

    assert [] == watched()
    assert time.time <= 65


def test_many_pods_that_wait_cost_no_more_than_400_requests_in_10_minutes(airflow, time, watched):
    """Each is looked at in turn."""
    run = airflow.add_run()
    for name in "abcdefgh":
        airflow.add_task(name, "running")
        airflow.logs[name] = log(airflow, f"{POD_WAITS}{REASON}")
    time.at = [(600, lambda: run.update(state="success"))]
    airflow.requests.clear()
    watched()

    assert len(airflow.requests) <= 400
    assert 8 == len({path for _, path in airflow.asked("GET", "/logs/1")})


def test_somebody_must_answer(airflow, client, time, watched):
    """Since Airflow 3.3 a task may wait for a person, which is no end."""
    run = airflow.add_run()
    airflow.add_task("a", "running")
    time.at = [
        (20, lambda: airflow.tasks[0].update(state="awaiting_input")),
        (60, lambda: (run.update(state="success"), airflow.tasks[0].update(state="success"))),
    ]

    assert [f"somebody must answer in Airflow: {client.page('demo', 'r')}", ""] == [note for _, note in watched()]
    assert time.time >= 60


def test_how_the_pod_ended_is_shown_first(airflow, client):
    """Before the last lines of the pod."""
    airflow.add_run(state="failed")
    airflow.add_task("a", "failed")
    ended = f"{POD_ENDED}out of memory (OOMKilled, exit code 137)"
    airflow.logs["a"] = log(airflow, "[base] kedro starts", ended, "[base] more")
    with pytest.raises(RunFailed) as error:
        wait_for_end(client, "demo", "r")

    assert str(error.value).endswith(
        f"\n\nTask a failed at try 1; its last log lines:\n  {ended}\n  kedro starts\n  more"
    )
