"""The client against a small Airflow of each version: who may ask, what is read, and one run for one trigger."""

import re
from datetime import datetime, timedelta, timezone

import pytest

from kedro_airflow_k8s.airflow import Dag, Run, Task, connect, new_run_id, page
from kedro_airflow_k8s.airflow.trouble import Trouble
from kedro_airflow_k8s.errors import AirflowDenied, AirflowError, AirflowUnreachable

from .conftest import LOGIN, Fault


@pytest.mark.parametrize(
    ("version", "expected"),
    [("3.3.2", "3.3.2"), ("3.4.0b2", "3.4.0"), ("2.11.2", "2.11.2"), ("2.10.5+composer", "2.10.5"), ("2.11", "2.11.0")],
)
def test_the_version_is_found_out(serve, version, expected):
    """Whichever API answers is used, with versions written in any of the usual ways."""
    assert expected == str(connect(serve(version=version).url, LOGIN).version)


@pytest.mark.parametrize("version", ["3.3.2", "2.11.2"])
def test_a_path_prefix_is_kept(serve, version):
    """Airflow may live below a path of a shared host, with or without a slash at its end."""
    state = serve(version=version, prefix="/team/airflow")
    client = connect(f"{state.url}/", LOGIN)

    assert () == client.dags()
    assert f"{state.url}/dags/demo" == client.page("demo")


def test_something_else_answers(serve, time):
    """A web page is recognised as no Airflow, and what was tried is named."""
    state = serve()
    state.faults = [Fault("html", times=9)]
    with pytest.raises(AirflowUnreachable) as error:
        connect(state.url, LOGIN, clock=time.clock)

    assert (
        f"{state.url} is not an Airflow: tried /api/v2/version (200: an HTML page, 'Sign in') and /api/v1/version"
        " (200: an HTML page, 'Sign in'). Is the path in host right, or does a login page stand before it?"
    ) == str(error.value)


def test_a_wrong_path_prefix(serve, time):
    """404 for both versions says what was tried."""
    with pytest.raises(AirflowUnreachable, match=r"tried /api/v2/version \(404: .*\) and /api/v1/version \(404: "):
        connect(serve(prefix="/airflow").url.removesuffix("/airflow"), LOGIN, clock=time.clock)


def test_a_redirect_to_another_host_is_not_followed_with_credentials(serve, time):
    """It is named instead; the other host sees no password."""
    other, state = serve(version="2.11.2"), serve(version="2.11.2")
    location = {"Location": f"{other.url}/api/v1/version"}
    state.faults = [Fault("status", status=302, headers=location, times=9)]
    with pytest.raises(AirflowUnreachable, match=f"sent on to {other.url}"):
        connect(state.url.replace("127.0.0.1", "localhost"), LOGIN, clock=time.clock)

    assert [None, None] == [headers.get("Authorization") for headers in other.headers]


def test_a_login_page_that_comes_up_later(airflow, client):
    """Also between two requests."""
    airflow.faults = [Fault("html")]
    with pytest.raises(AirflowUnreachable, match="answers 200 with an HTML page, 'Sign in' instead of Airflow's API"):
        client.dag("demo")


def test_a_token_is_sent_as_it_is(serve):
    """AIRFLOW_API_TOKEN is a bearer token, and needs no login."""
    state = serve(anonymous=True)
    connect(state.url, {"AIRFLOW_API_TOKEN": " planted-token\n", **LOGIN}).dags()

    assert "Bearer planted-token" == state.headers[-1]["Authorization"]
    assert [] == state.asked("POST")


def test_nobody_may_ask_where_everybody_may(serve):
    """Without credentials none are sent."""
    state = serve(anonymous=True)
    connect(state.url, {}).dags()

    assert "Authorization" not in state.headers[-1]


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({}, "wants to know who you are .*; set AIRFLOW_API_TOKEN, or AIRFLOW_API_USERNAME and AIRFLOW_API_PASSWORD"),
        ({"AIRFLOW_API_TOKEN": "planted"}, "refuses this user .*; check AIRFLOW_API_TOKEN"),
        ({**LOGIN, "AIRFLOW_API_PASSWORD": "planted"}, "check AIRFLOW_API_USERNAME and AIRFLOW_API_PASSWORD"),
        ({"AIRFLOW_API_USERNAME": "admin"}, "AIRFLOW_API_PASSWORD is not set"),
        ({"AIRFLOW_API_PASSWORD": "planted"}, "AIRFLOW_API_USERNAME is not set"),
        ({"AIRFLOW_API_TOKEN": "planted\ntoken"}, "AIRFLOW_API_TOKEN holds a character that no token has"),
        ({"AIRFLOW_API_TOKEN": "plantéd"}, "AIRFLOW_API_TOKEN holds a character that no token has"),
    ],
)
def test_credentials_that_do_not_do(airflow, environ, said):
    """Each says which variable to set, and does not show what it holds."""
    with pytest.raises(AirflowDenied, match=said) as error:
        connect(airflow.url, environ).dags()

    assert "plant" not in str(error.value)


def test_airflow_2_may_lack_the_backend(serve):
    """There a right password is refused too if basic authentication is off, in the same words."""
    with pytest.raises(AirflowDenied, match=r"auth_backends has airflow\.api\.auth\.backend\.basic_auth"):
        connect(serve(version="2.11.2").url, {**LOGIN, "AIRFLOW_API_PASSWORD": "wrong"}).dags()


def test_a_token_needs_no_backend_for_passwords(serve):
    """Whose token Airflow 2 refuses is not told how passwords are switched on."""
    with pytest.raises(AirflowDenied) as error:
        connect(serve(version="2.11.2").url, {"AIRFLOW_API_TOKEN": "planted"}).dags()

    assert "auth_backends" not in str(error.value)


def test_an_expired_token_is_renewed_once(serve):
    """A long wait outlives a token of Airflow 3; a second refusal is one."""
    state = serve()
    client = connect(state.url, LOGIN)
    state.tokens.append("another")
    client.dags()

    assert 2 == len(state.asked("POST", "/auth/token"))
    state.faults = [Fault("status", path="/dags", status=401, body='{"detail": "Token Expired"}', times=2)]
    with pytest.raises(AirflowDenied, match="Token Expired"):
        client.dags()
    assert 3 == len(state.asked("POST", "/auth/token"))


def test_an_expired_token_does_not_cost_a_trigger(serve):
    """A refused request had no effect, so it may be repeated whatever it is."""
    state = serve()
    state.add_dag("demo")
    client = connect(state.url, LOGIN)
    state.tokens.append("another")
    client.trigger("demo", "r")

    assert ["r"] == list(state.runs)


def test_a_password_with_any_character(serve):
    """Not only those of Latin-1."""
    state = serve(version="2.11.2", anonymous=True)
    connect(state.url, {**LOGIN, "AIRFLOW_API_PASSWORD": "żółw:€"}).dags()

    assert "Basic YWRtaW46xbzDs8WCdzrigqw=" == state.headers[-1]["Authorization"]


def test_a_dag(airflow, client):
    """What is the same in both versions is read alike; one that is not there is None."""
    tags = [{"name": "experiment_name:demo"}]
    schedule = {"schedule_interval": {"__type": "CronExpression", "value": "@daily"}, "timetable_summary": "@daily"}
    airflow.add_dag("demo", doc_md="build 1", tags=tags, is_paused=True, **schedule)

    assert client.dag("nope") is None
    assert client.dag("demo") == Dag(
        dag_id="demo",
        is_paused=True,
        is_active=True,
        schedule="@daily",
        tags=("experiment_name:demo",),
        doc_md="build 1",
        file="/dags/demo.py",
        file_token="token-of-demo",
    )


@pytest.mark.parametrize(
    ("version", "more", "active"),
    [
        ("2.11.2", {"is_active": False}, False),
        ("3.3.2", {"is_stale": True}, False),
        ("3.3.2", {"is_stale": True, "has_import_errors": True}, True),
    ],
)
def test_a_dag_whose_file_is_gone_is_not_active(serve, version, more, active):
    """But one whose file is only broken is."""
    state = serve(version=version)
    state.add_dag("demo", **more)

    assert active == connect(state.url, LOGIN).dag("demo").is_active


def test_every_page_of_a_list_is_read(airflow, client):
    """250 DAGs with a page limit of 100, some with no tags at all."""
    for number in range(250):
        airflow.add_dag(f"dag-{number:03}", tags=None if number % 2 else [])
    found = client.dags()

    assert [f"dag-{number:03}" for number in range(250)] == [dag.dag_id for dag in found]
    assert 3 == len(airflow.requests)


def test_a_list_that_shifts_between_pages(airflow, client, monkeypatch):
    """No DAG is named twice when one is added meanwhile."""
    airflow.page_limit = 2
    for name in "bcde":
        airflow.add_dag(name)
    original = airflow._page

    def add_one(key, entries, query):
        if query["offset"] != "0" and "a" not in airflow.dags:
            airflow.add_dag("a")
            entries = [airflow.dags[name] for name in sorted(airflow.dags)]
        return original(key, entries, query)

    monkeypatch.setattr(airflow, "_page", add_one)

    assert ["b", "c", "d", "e"] == [dag.dag_id for dag in client.dags()]


def test_an_answer_of_something_else(airflow, client):
    """JSON that is not Airflow's is no reason for a traceback."""
    airflow.faults = [Fault("status", status=200, body='{"message": "hello"}')]
    with pytest.raises(AirflowUnreachable, match="answers, but not as Airflow's API does"):
        client.dags()


@pytest.mark.parametrize(
    "fault",
    [
        Fault("reset", "POST"),
        Fault("reset", "POST", after=True),
        Fault("status", "POST", status=500),
        Fault("status", "POST", status=504, after=True),
        Fault("status", "POST", status=520, after=True),
        Fault("status", "POST", status=200, after=True, body=""),
        Fault("cut", "POST", after=True),
        Fault("html", "POST"),
        Fault("html", "POST", after=True),
        Fault("status", "POST", status=429),
        Fault("reset", "POST", times=3),
        Fault("reset", "POST", times=2, after=True),
    ],
    ids=lambda fault: f"{fault.kind} {fault.status} {'after' if fault.after else 'before'} {fault.times}",
)
def test_a_lost_answer_to_a_trigger_is_one_run(airflow, client, fault):
    """Whether or not the request had its effect."""
    airflow.add_dag("demo")
    airflow.faults = [fault]
    run = client.trigger("demo", "mine")

    assert run == Run("demo", "mine", "queued")
    assert ["mine"] == list(airflow.runs)


@pytest.mark.parametrize(
    ("faults", "runs", "expected"),
    [
        ([Fault("reset", "POST", times=99)], [], "There is no run mine of DAG demo, after 5 attempts"),
        (
            [Fault("reset", "POST", after=True), Fault("reset", "GET", times=99)],
            ["mine"],
            "Whether it has started run mine is not known: before you try again, look at .*mine",
        ),
        ([Fault("status", "POST", status=400, body='{"detail": "has import errors"}')], [], "has import errors"),
        ([Fault("html", "POST", times=99)], [], "HTML page, 'Sign in' .* There is no run mine of DAG demo"),
        (
            [Fault("html", "POST", times=99), Fault("html", "GET", times=99)],
            [],
            "Whether it has started run mine is not known",
        ),
    ],
    ids=["never arrives", "arrives, then nothing", "refused", "login page", "login page for good"],
)
def test_a_trigger_that_fails_never_makes_a_second_run(airflow, client, faults, runs, expected):
    """At most one, and it is said when it is not known whether there is one."""
    airflow.add_dag("demo")
    airflow.faults = faults
    with pytest.raises(AirflowError, match=expected):
        client.trigger("demo", "mine")

    assert runs == list(airflow.runs)


def test_a_refused_connection_after_a_lost_answer_does_not_hide_the_run(serve, time):
    """The server went down once it had started the run, and is back when the run is looked for."""
    state = serve()
    state.add_dag("demo")
    client = connect(state.url, LOGIN, clock=time.clock)
    send, sent = client._transport._exchange, []

    def exchange(method, *rest):
        if method == "POST":
            sent.append(method)
            return Trouble("connection refused", sent=len(sent) == 1, passing=False)
        if len(sent) == 2:
            state.add_run("mine")
        return send(method, *rest)

    client._transport._exchange = exchange

    assert Run("demo", "mine", "running") == client.trigger("demo", "mine")


def test_a_logical_date_that_is_taken_costs_another_attempt(serve, time):
    """Airflow 3 allows one run of each; the next attempt has its own."""
    state = serve()
    state.add_dag("demo")
    client = connect(state.url, LOGIN, clock=time.clock)
    state.faults = [Fault("status", "POST", "/dagRuns", status=409, body='{"detail": {"reason": "Unique constraint"}}')]
    state.bodies.clear()
    client.trigger("demo", "mine")

    dates = [body["logical_date"] for body in state.bodies if body]
    assert ["mine"] == list(state.runs)
    assert 2 == len(set(dates))


@pytest.mark.parametrize("late", [3600, 0, -3600])
def test_a_logical_date_is_not_in_the_future(serve, late):
    """By the clock of Airflow 3, which would let the run wait until then."""
    state = serve(late=late)
    state.add_dag("demo")
    connect(state.url, LOGIN).trigger("demo", "mine")

    there = datetime.now(timezone.utc) - timedelta(seconds=late)
    logical = datetime.fromisoformat(state.bodies[-1]["logical_date"])
    assert there - timedelta(minutes=1) < logical <= there


def test_a_run_id_is_new_each_time_and_valid():
    """Airflow refuses, or crashes on, other characters."""
    first, second = new_run_id(), new_run_id()

    assert first != second
    assert re.fullmatch(r"kedro__[0-9TZ]+-[0-9a-f]{8}", first)


def test_unpausing(airflow, client):
    """A paused DAG would leave its run queued."""
    airflow.add_dag("demo", is_paused=True)
    client.unpause("demo")

    assert airflow.dags["demo"]["is_paused"] is False


def test_tasks_come_in_the_order_of_their_starts(airflow, client):
    """Last those that have not started, by name; mapped ones are told apart."""
    airflow.add_run()
    airflow.add_task("z", None, 0)
    airflow.add_task("b", "running", start_date="2026-01-01T00:00:02Z")
    airflow.add_task("a", "success", start_date="2026-01-01T00:00:01+00:00", duration=1.5)
    airflow.add_task("m", None, 0, map_index=3)

    assert ["a", "b", "m[3]", "z"] == [task.name for task in client.tasks("demo", "r")]


def test_all_tasks_are_read_whatever_the_page_limit(airflow, client):
    """Airflow 3 gives 100 at a time."""
    airflow.add_run()
    for number in range(230):
        airflow.add_task(f"task-{number:03}", None, 0)

    assert 230 == len(client.tasks("demo", "r"))


@pytest.mark.parametrize("name", ["demo.py", "/opt/airflow/dags/team/demo.py", "team/demo.py"])
def test_import_failures_of_a_file(airflow, client, name):
    """Some versions name its whole path, others one below the folder; the failures of other files are left out."""
    airflow.import_errors = [
        {"filename": name, "timestamp": "t", "stack_trace": "boom"},
        {"filename": "/dags/not-demo.py", "timestamp": "t", "stack_trace": "other"},
    ]

    assert [(name, "boom")] == [(failure.file, failure.traceback) for failure in client.import_failures("demo.py")]


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("3.3.2", "/dags/d%C3%A9mo/runs/kedro__1%3A2%2B3"),
        ("2.11.2", "/dags/d%C3%A9mo/grid?dag_run_id=kedro__1%3A2%2B3"),
    ],
)
def test_addresses(serve, version, expected):
    """Where a browser finds Airflow, a DAG and a run."""
    client = connect(serve(version=version).url, LOGIN)

    assert client.host == client.page()
    assert f"{client.host}/dags/d%C3%A9mo" == client.page("démo") == page(f"{client.host}/", "démo")
    assert client.host + expected == client.page("démo", "kedro__1:2+3")


def test_a_log_is_that_of_the_latest_try(airflow, client):
    """Whatever the format of the version."""
    airflow.logs["a"] = "[('host', 'hello')]" if airflow.version.startswith("2") else [{"event": "hello"}]
    (record,) = client.log("demo", "r", Task("a", "failed", 3))

    assert "hello" == record.text
    assert airflow.api + "/dags/demo/dagRuns/r/taskInstances/a/logs/3" == airflow.requests[-1][1]
