"""Waiting for the end of a run: what is an end, how often is asked, and what a failure says."""

import pytest

from kedro_airflow_k8s.airflow import connect, wait_for_end
from kedro_airflow_k8s.errors import AirflowDenied, AirflowUnreachable, RunFailed, WaitTimeout

from .conftest import LOGIN, Fault


@pytest.mark.parametrize("tasks", [5, 250])
def test_the_end_is_noticed_within_2_s_with_at_most_400_requests_in_10_minutes(serve, time, tasks):
    """Pages of tasks included, also while some of them change all the time."""
    state = serve()
    client = connect(state.url, LOGIN, clock=time.clock)
    run = state.add_run()
    for number in range(tasks):
        state.add_task(f"task-{number}", "running", 0)
    late = []

    def change(number=0):
        state.tasks[number % tasks]["try_number"] += 1
        time.at.append((time.time + 5, lambda: change(number + 1)))

    def end():
        run["state"] = "success"
        late.append((time.time, len(state.requests)))

    time.at = [(5, change), (600, end)]
    state.requests.clear()
    wait_for_end(client, "demo", "r")

    assert time.time - 600 <= 1.9
    assert late[0][1] <= 400


@pytest.mark.parametrize(
    "state",
    [
        "queued",
        "scheduled",
        "running",
        "deferred",
        "up_for_retry",
        "up_for_reschedule",
        "restarting",
        "awaiting_input",
        None,
    ],
)
def test_no_end(airflow, client, time, state):
    """A task in such a state, and a run that is queued or running, are waited for."""
    run = airflow.add_run(state="queued")
    airflow.add_task("a", state)
    time.at = [(5, lambda: run.update(state="running")), (50, lambda: run.update(state="success"))]
    ended = wait_for_end(client, "demo", "r")

    assert "success" == ended.state
    assert time.time >= 50


def test_every_change_is_shown(airflow, client, time):
    """The watcher is told of run and tasks as they are."""
    run = airflow.add_run(state="queued")
    airflow.add_task("a", None, 0)
    time.at = [
        (10, lambda: (run.update(state="running"), airflow.tasks[0].update(state="running", try_number=1))),
        (40, lambda: (run.update(state="success"), airflow.tasks[0].update(state="success"))),
    ]
    seen = []
    wait_for_end(client, "demo", "r", seen=lambda run, tasks: seen.append((run.state, tasks[0].state)))

    assert [("queued", None), ("running", "running"), ("success", "success")] == list(
        dict.fromkeys(pair for pair in seen if pair not in {("running", None)})
    )


def test_a_failed_run_shows_why(airflow, client):
    """The last lines of each failed task's log, but not of those that failed because of it."""
    airflow.add_run(state="failed")
    airflow.add_task("good", "success", start_date="2026-01-01T00:00:00Z")
    airflow.add_task("bad", "failed", 2, start_date="2026-01-01T00:00:01Z")
    airflow.add_task("after", "upstream_failed", 0)
    lines = [f"line {number}" for number in range(100)]
    if airflow.version.startswith("2"):
        text = "\n".join(f"[2026-01-01T00:00:00.000+0000] {{pod_manager.py:1}} INFO - [base] {line}" for line in lines)
        airflow.logs["bad"] = repr([("host", text)])
    else:
        airflow.logs["bad"] = [{"event": f"[base] {line}", "logger": "x.PodManager"} for line in lines]
    with pytest.raises(RunFailed) as error:
        wait_for_end(client, "demo", "r")

    last = "".join(f"\n  line {number}" for number in range(75, 100))
    assert (
        f"run r of demo failed, because of bad; see {client.page('demo', 'r')}\n\n"
        f"Task bad failed at try 2; its last log lines:{last}"
    ) == str(error.value)


def test_a_log_that_cannot_be_read_does_not_hide_the_failure(airflow, client):
    """It is said, and the other logs are shown."""
    airflow.add_run(state="failed")
    airflow.add_task("bad", "failed")
    airflow.add_task("untried", "failed", 0)
    with pytest.raises(RunFailed) as error:
        wait_for_end(client, "demo", "r")

    assert "Task bad failed at try 1; its log could not be read: Airflow at" in str(error.value)
    assert "Task untried failed before it was tried; it has no log." in str(error.value)


def test_many_failed_tasks(airflow, client):
    """All are named; the logs of the first five are shown."""
    airflow.add_run(state="failed")
    for number in range(7):
        airflow.add_task(f"bad-{number}", "failed")
        airflow.logs[f"bad-{number}"] = "[('h', 'x')]" if airflow.version.startswith("2") else [{"event": "x"}]
    with pytest.raises(RunFailed) as error:
        wait_for_end(client, "demo", "r")

    assert all(f"bad-{number}" in str(error.value) for number in range(7))
    assert 5 == str(error.value).count("its last log lines")
    assert str(error.value).endswith("The logs of the other 2 failed tasks are in Airflow.")


def test_a_run_that_somebody_marked_as_failed(airflow, client):
    """No task is blamed."""
    airflow.add_run(state="failed")
    airflow.add_task("a", "success")
    with pytest.raises(RunFailed, match="run r of demo ended as failed, though none of its tasks failed; see http"):
        wait_for_end(client, "demo", "r")


def test_a_run_in_which_nothing_was_executed(airflow, client):
    """Airflow calls it a success; that of a CI job it is not."""
    airflow.add_run(state="success")
    with pytest.raises(RunFailed, match="run r of demo counts as a success, but Airflow has executed none of its task"):
        wait_for_end(client, "demo", "r")


def test_a_run_that_is_gone(airflow, client):
    """A deleted run does not end, and is not waited for."""
    with pytest.raises(RunFailed, match="no longer has run r of demo"):
        wait_for_end(client, "demo", "r")


def test_the_wait_runs_out(airflow, client, time):
    """Exit code 124; the run goes on, and the user reads where."""
    airflow.add_run()
    with pytest.raises(WaitTimeout) as error:
        wait_for_end(client, "demo", "r", seconds=90)

    address = client.page("demo", "r")
    assert f"run r of demo has not ended within 1.5 min; its state is running, and it goes on: see {address}" == str(
        error.value
    )
    assert 124 == error.value.exit_code
    assert 90 <= time.time <= 92


def test_an_end_in_the_last_moment_counts(airflow, client, time):
    """The state is asked for once more when the time is over."""
    run = airflow.add_run()
    airflow.add_task("a", "success")
    time.at = [(10, lambda: run.update(state="success"))]

    assert "success" == wait_for_end(client, "demo", "r", seconds=10).state


def test_some_minutes_of_trouble_are_sat_out(airflow, client, time, said):
    """A server that is being replaced; the user reads of it."""
    run = airflow.add_run()
    airflow.add_task("a", "success")
    airflow.faults = [Fault("status", status=502, times=40)]
    time.at = [(200, lambda: run.update(state="success"))]
    wait_for_end(client, "demo", "r", report=said.append)

    assert [
        f"Airflow at {client.host}: it answers 502, broken; trying again",
        f"Airflow at {client.host} cannot be reached: it answers 502, broken; waiting for it to come back",
        "Airflow answers again",
    ] == said


def test_lasting_trouble_is_not(airflow, client, time, said):
    """The user reads that the run itself goes on."""
    airflow.add_run()
    airflow.faults = [Fault("reset", times=9999)]
    with pytest.raises(AirflowUnreachable, match="the connection was lost"):
        wait_for_end(client, "demo", "r", report=said.append)

    assert f"The run itself is not affected; see {client.page('demo', 'r')}" == said[-1]
    assert 300 <= time.time <= 340


def test_the_tasks_of_a_run_that_has_ended_are_waited_for(airflow, client, time):
    """What is shown at the end is how the tasks ended, also if Airflow does not answer for some time."""
    run = airflow.add_run()
    airflow.add_task("a", "running")

    def end():
        run["state"] = airflow.tasks[0]["state"] = "success"
        airflow.faults = [Fault("status", path="/taskInstances", status=502, times=40)]

    time.at = [(5, end)]
    seen = []
    wait_for_end(client, "demo", "r", seen=lambda run, tasks: seen.append((run.state, tasks[0].state)))

    assert ("success", "success") == seen[-1]
    assert ("success", "running") not in seen


def test_losing_the_right_to_look_ends_the_wait(airflow, client, said):
    """An expired token of the user's own cannot be renewed."""
    airflow.add_run()
    airflow.faults = [Fault("status", status=403, body='{"detail": "no"}', times=99)]
    with pytest.raises(AirflowDenied, match="refuses this user"):
        wait_for_end(client, "demo", "r", report=said.append)

    assert f"The run itself is not affected; see {client.page('demo', 'r')}" == said[-1]


def test_an_interrupt_passes(airflow, client, time):
    """Ctrl-C ends the wait at once and asks Airflow for nothing."""
    airflow.add_run()

    def interrupt():
        airflow.requests.clear()
        raise KeyboardInterrupt

    time.at = [(20, interrupt)]
    with pytest.raises(KeyboardInterrupt):
        wait_for_end(client, "demo", "r")

    assert [] == airflow.requests
