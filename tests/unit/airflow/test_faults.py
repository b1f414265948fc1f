"""`run-once` over a network that fails: one run or none, and what the user reads about it.

What a real Airflow does if a run is triggered twice or a token expires is in `tests/e2e/test_faults.py`.
"""

import re
from dataclasses import dataclass
from types import SimpleNamespace

import pytest

from kedro_airflow_k8s import run
from kedro_airflow_k8s.airflow import connect, wait_for_end
from kedro_airflow_k8s.errors import AirflowError
from kedro_airflow_k8s.model import File
from tests.proxy import Fault, proxied

from .conftest import LOGIN

BUILD = SimpleNamespace(dag_id="demo", build_id="0123456789ab", file=File("demo.py", "# the DAG\n"))
TRIGGER = {"method": "POST", "path": "/dagRuns"}
LOAD = {"method": "GET", "path": "/details"}
WAIT = {"method": "GET", "path": "/dagRuns/"}


@dataclass(frozen=True)
class Outcome:
    """How a run-once ended: its exit code, all that it said, and the runs that it left in Airflow."""

    code: int
    said: str
    runs: int


@pytest.fixture
def airflow(serve):
    """An Airflow that has loaded the DAG, and whose runs succeed."""
    airflow = serve(polls=2)
    airflow.add_dag("demo", doc_md=BUILD.build_id)
    airflow.add_task("only", "success")
    return airflow


@pytest.fixture
def proxy(airflow):
    """A proxy before that Airflow."""
    with proxied(airflow.url) as proxy:
        yield proxy


@pytest.fixture
def run_once(airflow, proxy, time, tmp_path):
    """Return a function that runs the DAG once, to its end, while the proxy breaks what it is told to."""

    def run_once(*faults, **environ):
        proxy.plan(*faults)
        code, said = 0, []
        try:
            client = connect(proxy.url, environ or LOGIN, report=said.append, clock=time.clock)
            wait = run.Wait(180, 180)
            started = run.start(BUILD, client, str(tmp_path), wait, replace_schedule=False, report=said.append)
            wait_for_end(client, started.dag_id, started.run_id, seconds=180, report=said.append)
        except AirflowError as error:
            code = error.exit_code
            said.append(str(error))
        assert "planted" not in "\n".join(said)
        # The steps themselves are not what is looked at here.
        told = [line for line in said if not re.match("Uploaded|Unchanged|Waiting|Unpaused|Triggered", line)]
        return Outcome(code, "\n".join(told), len(airflow.runs))

    return run_once


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (Fault("reset", **TRIGGER), ""),
        (Fault("reset", **TRIGGER, after=True), ""),
        (Fault("reset", **TRIGGER, after=True, times=2), ""),
        (Fault("cut", **TRIGGER, after=True), ""),
        (Fault("empty", **TRIGGER, after=True), ""),
        (Fault("html", **TRIGGER), ""),
        (Fault("html", **TRIGGER, after=True), ""),
        (Fault("status", **TRIGGER, status=500, times=3), ""),
        (Fault("status", **TRIGGER, status=504, after=True), ""),
        (Fault("status", **TRIGGER, status=429, headers={"Retry-After": "2"}), ""),
        (Fault("reset", **LOAD, after=True, times=2), "the connection was lost; trying again"),
        (Fault("cut", **LOAD, after=True, times=2), "its answer breaks off; trying again"),
        (Fault("status", **LOAD, times=3), "it answers 500, the proxy says so; trying again"),
        (Fault("status", **LOAD, status=429, times=2, headers={"Retry-After": "2"}), "come back in 2 s; trying again"),
        (Fault("status", **WAIT, times=7), "it answers 500, the proxy says so; waiting for it to come back"),
        (Fault("html", **WAIT, times=2), "an HTML page, 'Company login' instead of Airflow's API"),
        (Fault("cut", **WAIT, after=True, times=2), "its answer breaks off; trying again"),
    ],
    ids=lambda value: str(value) if isinstance(value, Fault) else "",
)
def test_what_passes_costs_no_run_and_makes_no_second(run_once, fault, said):
    """The run goes through, as one; trouble that lasts a while is told."""
    outcome = run_once(fault)

    assert (0, 1) == (outcome.code, outcome.runs)
    assert said in outcome.said
    assert bool(said) == bool(outcome.said)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (Fault("reset", **TRIGGER, times=99), "There is no run kedro__.* of DAG demo, after 5 attempts"),
        (Fault("html", **TRIGGER, times=99), "HTML page, 'Company login'.* There is no run kedro__"),
        (Fault("status", path="/", times=99), "cannot be reached: it answers 500, the proxy says so"),
        (Fault("status", path="/", times=99, status=429, headers={"Retry-After": "999"}), "come back in 999 s"),
        (Fault("html", path="/", times=99), "is not an Airflow: tried /api/v2/version .*'Company login'"),
        (Fault("html", method="GET", path="/importErrors"), "'Company login' instead of Airflow's API; does a login"),
        (Fault("empty", **LOAD, times=1, after=True), "answers, but not as Airflow's API does"),
        (Fault("status", path="/auth/token", status=404), "gives no token for a user name and a password"),
    ],
    ids=lambda value: str(value) if isinstance(value, Fault) else "",
)
def test_what_does_not_pass_is_said_and_makes_no_run(run_once, fault, said):
    """Exit code 1, the reason, and nothing triggered."""
    outcome = run_once(fault)

    assert (1, 0) == (outcome.code, outcome.runs)
    assert re.search(said, outcome.said, re.DOTALL)


def test_an_airflow_that_is_away_for_a_moment(run_once, proxy, time):
    """Refused connections are tried again."""
    proxy.refuse()
    time.at = [(1, proxy.listen)]

    outcome = run_once()

    assert (0, 1) == (outcome.code, outcome.runs)


def test_an_airflow_that_is_away(run_once, proxy):
    """And given up, with the reason."""
    proxy.refuse()

    outcome = run_once()

    assert (1, 0) == (outcome.code, outcome.runs)
    assert "cannot be reached: connection refused" in outcome.said


@pytest.mark.parametrize("where", [LOAD, TRIGGER, WAIT], ids=["loading", "trigger", "waiting"])
def test_a_login_that_expires_is_renewed(run_once, proxy, where):
    """The user does not notice."""
    outcome = run_once(Fault("expire", **where, authorization="Bearer expired"))

    assert Outcome(0, "", 1) == outcome
    assert 2 == sum(path.endswith("/auth/token") for _, path in proxy.requests)


def test_a_token_of_the_users_own_that_expires(run_once):
    """Cannot be renewed: Airflow's reason, and the variable to set."""
    outcome = run_once(AIRFLOW_API_TOKEN="planted-and-expired")

    assert (1, 0) == (outcome.code, outcome.runs)
    assert "refuses this user (401: Token Expired); check AIRFLOW_API_TOKEN" in outcome.said
