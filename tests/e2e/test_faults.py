"""`run-once` over a network that fails: what only a real Airflow can answer to it.

All other faults are in `tests/unit/airflow/test_faults.py`.
"""

import re
import time
from dataclasses import dataclass

import pytest

from kedro_airflow_k8s import run
from kedro_airflow_k8s.airflow import connect, wait_for_end
from kedro_airflow_k8s.airflow.http import Clock
from kedro_airflow_k8s.errors import AirflowError
from tests.e2e.conftest import only_airflow_3, shown, write
from tests.e2e.small import Small
from tests.e2e.tokens import expired
from tests.proxy import Fault, proxied

# Pauses are shorter than they are for a user; what is waited for is real.
HURRIED = Clock(sleep=lambda seconds: time.sleep(seconds / 5))
BUILD = Small("faulty")
TRIGGER = {"method": "POST", "path": "/dagRuns"}
# A run that is stopped would leave its claim behind.
NO_CLAIM = "run_config: {volume: {disabled: true}}\n"


@dataclass(frozen=True)
class Outcome:
    """How a run-once ended: its exit code, all that it said, and the runs that it left in Airflow."""

    code: int
    said: str
    runs: int


@pytest.fixture(scope="module")
def proxy(shared_lab):
    """A proxy before the Airflow of the lab, which has loaded the DAG."""
    with proxied(shared_lab.server.url) as proxy:
        assert run_once(shared_lab, proxy) == Outcome(0, "", 1)
        yield proxy


def run_once(lab, proxy, *faults, **environ):
    """Run the DAG once and wait for its end while the proxy breaks what it is told to."""
    login = {"AIRFLOW_API_USERNAME": lab.server.username, "AIRFLOW_API_PASSWORD": lab.server.password}
    proxy.plan(*faults)
    before, code, said, tokens = count(lab), 0, [], []
    try:
        client = connect(proxy.url, environ or login, report=said.append, clock=HURRIED)
        tokens.append(shown(client))
        wait = run.Wait(180, 180)
        started = run.start(BUILD, client, str(lab.server.dags), wait, replace_schedule=False, report=said.append)
        wait_for_end(client, started.dag_id, started.run_id, seconds=180, report=said.append)
    except AirflowError as error:
        code = error.exit_code
        said.append(str(error))
    text = "\n".join(said)
    assert lab.server.password not in text
    for token in tokens:
        assert token not in text
    # The steps themselves are not what is looked at here.
    told = [line for line in said if not re.match("Uploaded|Unchanged|Waiting|Unpaused|Triggered", line)]
    return Outcome(code, "\n".join(told), count(lab) - before)


def count(lab):
    """Return how many runs there are of the DAG."""
    known = lab.client.dag(BUILD.dag_id)
    return lab.api("GET", f"/dags/{BUILD.dag_id}/dagRuns")["total_entries"] if known else 0


@only_airflow_3
@pytest.mark.parametrize("fault", [{}, {"after": True}], ids=["before Airflow", "after Airflow"])
def test_a_trigger_that_takes_too_long_is_one_run(lab, proxy, monkeypatch, fault):
    """Also if Airflow gets it only when it is repeated already."""
    monkeypatch.setattr("kedro_airflow_k8s.airflow.http._ATTEMPT", 1.0)
    outcome = run_once(lab, proxy, Fault("delay", **TRIGGER, seconds=3, **fault))
    time.sleep(3)

    assert (0, 1) == (outcome.code, outcome.runs)
    assert 1 == len({request["dag_run_id"] for request in lab.runs(BUILD.dag_id)[-outcome.runs :]})


@only_airflow_3
def test_a_login_that_expires_is_renewed(lab, proxy):
    """Airflow itself says that the token has expired; the user does not notice."""
    outcome = run_once(lab, proxy, Fault("expire", **TRIGGER, authorization=f"Bearer {expired(lab)}"))

    assert Outcome(0, "", 1) == outcome
    assert 2 == sum(path.endswith("/auth/token") for _, path in proxy.requests)


@only_airflow_3
def test_a_token_of_the_users_own_that_expires(lab, proxy):
    """Cannot be renewed: Airflow's reason, and the variable to set."""
    outcome = run_once(lab, proxy, AIRFLOW_API_TOKEN=expired(lab))

    assert (1, 0) == (outcome.code, outcome.runs)
    assert "refuses this user (401: Token Expired); check AIRFLOW_API_TOKEN" in outcome.said


def test_a_lost_answer_to_the_trigger_is_one_run_of_the_command(lab):
    """The command prints the address of the run that Airflow has, which is one, on either Airflow."""
    with proxied(lab.server.url, "/behind/a/prefix") as proxy:
        write(lab.project, "conf/proxied/airflow-k8s.yaml", f"host: {proxy.url}\noutput: {lab.server.dags}\n{NO_CLAIM}")
        proxy.plan(Fault("reset", **TRIGGER, after=True))
        result = lab.kedro("-e", "proxied", "-p", "probe", "run-once", "-d", "lost")

    assert result.returncode == 0, result.stdout + result.stderr
    (started,) = lab.runs("lost")
    lab.stop("lost", started["dag_run_id"])
    assert f"Triggered {started['dag_run_id']}" in result.stderr
    assert result.stdout.splitlines()[-1].startswith(f"{proxy.url}/dags/lost/")
    assert started["dag_run_id"] in result.stdout.splitlines()[-1]
    assert lab.server.password not in result.stdout + result.stderr
    assert "\x1b" not in result.stdout + result.stderr
