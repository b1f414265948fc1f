"""Answers that are not as Airflow's API has them: wrong types, lists without an end, and secrets that are quoted."""

import json
from contextlib import suppress
from html import escape
from urllib.parse import quote

import pytest

from kedro_airflow_k8s.airflow import Run, Task, connect, wait_for_end, wait_until_loaded
from kedro_airflow_k8s.airflow.loading import Before
from kedro_airflow_k8s.errors import AirflowDenied, AirflowError, AirflowUnreachable, DagNotLoaded, WaitTimeout

from .conftest import LOGIN, Fault

ODD = [["x"], {"x": 1}, "\ud800", 1.5, True, None, 10**400]


@pytest.mark.parametrize("value", ODD, ids=lambda value: repr(value)[:10])
@pytest.mark.parametrize("key", ["state", "try_number", "duration", "start_date", "map_index", "task_id"])
def test_a_task_with_a_field_of_another_type_does_not_end_the_watch(airflow, client, time, key, value):
    """What cannot be read is left out."""
    run = airflow.add_run()
    airflow.add_task("a", "running")
    airflow.add_task("b", "running", **{key: value} if key not in {"state", "try_number", "task_id"} else {})
    airflow.tasks[1][key] = value
    time.at = [(20, lambda: run.update(state="success"))]
    seen = []
    ended = wait_for_end(client, "demo", "r", seen=lambda run, tasks: seen.append(tasks))

    assert "success" == ended.state
    assert Task("a", "running", 1) in seen[-1]
    assert 2 == len(seen[-1])


@pytest.mark.parametrize("value", ODD, ids=lambda value: repr(value)[:10])
@pytest.mark.parametrize("key", ["state", "start_date", "end_date", "dag_run_id", "dag_id"])
def test_a_run_with_a_field_of_another_type_does_not_end_the_watch(airflow, client, time, key, value):
    """It goes on until the state is one that can be read."""
    run = airflow.add_run()
    airflow.add_task("a", "success")
    right = run.get(key)
    run[key] = value
    time.at = [(20, lambda: run.update({key: right, "state": "success"}))]

    assert "success" == wait_for_end(client, "demo", "r").state
    assert time.time >= 20


@pytest.mark.parametrize("value", ODD, ids=lambda value: repr(value)[:10])
@pytest.mark.parametrize(
    "key", ["dag_id", "is_paused", "tags", "doc_md", "fileloc", "file_token", "timetable_summary", "schedule_interval"]
)
def test_a_dag_with_a_field_of_another_type(airflow, client, key, value):
    """What cannot be read is left out."""
    airflow.add_dag("demo", **{key: value} if key != "dag_id" else {})
    airflow.dags["demo"][key] = value

    assert 1 == len(client.dags())
    assert client.dag("demo") is not None


@pytest.mark.parametrize("value", ODD, ids=lambda value: repr(value)[:10])
@pytest.mark.parametrize("key", ["filename", "bundle_name", "timestamp", "stack_trace"])
def test_an_import_failure_with_a_field_of_another_type(airflow, client, key, value):
    """What cannot be read is left out."""
    airflow.import_errors = [{"filename": "demo.py", "timestamp": "t", "stack_trace": "boom", key: value}]

    assert len(client.import_failures("demo.py")) == (key != "filename")


@pytest.mark.parametrize("value", [*ODD, [{"event": ["x"], "error_detail": "x"}], [{"error_detail": [{"frames": 1}]}]])
def test_a_log_of_another_type(airflow, client, value):
    """Whatever there is is shown."""
    airflow.logs["a"] = value
    if value is None:
        airflow.faults = [Fault("status", status=200, body='{"content": null}')]

    assert isinstance(client.log("demo", "r", Task("a", "failed", 1)), tuple)


def test_numbers_may_be_text(airflow, client):
    """And are read as numbers."""
    airflow.add_run()
    airflow.tasks.append({"task_id": "a", "state": "success", "try_number": "2", "duration": "1.5", "map_index": "3"})

    assert (Task("a", "success", 2, duration=1.5, map_index=3),) == client.tasks("demo", "r")


@pytest.mark.parametrize("total", ["1e400", "NaN", "null", '"x"', "[]", '"2"', "-1"])
def test_a_total_that_is_no_number(airflow, client, total):
    """Pages are read until one is empty, or the total is reached."""
    airflow.faults = [
        Fault(
            "status", status=200, body=f'{{"dags": [{{"dag_id": "a", "is_paused": true}}], "total_entries": {total}}}'
        ),
        Fault("status", status=200, body=f'{{"dags": [], "total_entries": {total}}}'),
    ]

    assert ["a"] == [dag.dag_id for dag in client.dags()]


@pytest.mark.parametrize(
    "body",
    [
        '{"dag_run_id": "another", "state": "queued"}',
        '{"dag_run_id": ["mine"], "state": "queued"}',
        '{"dag_run_id": "mine"}',
        '["mine"]',
        '"mine"',
        "[" * 100_000,
        "1e400",
    ],
    ids=lambda body: body[:40],
)
def test_whatever_answers_a_trigger_it_is_one_run(airflow, client, body):
    """What cannot be read as the run counts as a lost answer, and the run is looked for."""
    airflow.add_dag("demo")
    airflow.faults = [Fault("status", "POST", status=200, after=True, body=body)]

    assert Run("demo", "mine", "queued") == client.trigger("demo", "mine")
    assert ["mine"] == list(airflow.runs)


def test_a_failure_after_a_trigger_is_a_lost_answer(airflow, client, monkeypatch):
    """Also one that nobody foresaw."""
    from kedro_airflow_k8s.airflow import http

    airflow.add_dag("demo")
    read = http.read_answer
    failures = iter([ZeroDivisionError])

    def fail(*arguments):
        for failure in failures:
            raise failure
        return read(*arguments)

    monkeypatch.setattr(http, "read_answer", fail)

    assert Run("demo", "mine", "queued") == client.trigger("demo", "mine")
    assert ["mine"] == list(airflow.runs)


@pytest.mark.parametrize("token", ["żółw", "a b", "a\nb", "", ["x"], 5, None])
def test_a_token_that_cannot_be_sent_is_none(serve, token):
    """The login is refused with the reason, before the token is used."""
    state = serve()
    state.faults = [Fault("status", path="/auth/token", status=201, body=json.dumps({"access_token": token}))]
    with pytest.raises(AirflowDenied, match="gives no token for a user name and a password"):
        connect(state.url, LOGIN)


@pytest.mark.parametrize("version", ["9" * 5000, "", "²", "x", "3.3.2.4.5"])
def test_a_version_of_any_form(serve, version):
    """Nobody knows how the next one is written."""
    state = serve()
    state.faults = [Fault("status", path="/version", status=200, body=json.dumps({"version": version}))]

    assert connect(state.url, LOGIN).api.path == "/api/v2"


@pytest.mark.parametrize(
    "headers",
    [
        {"Retry-After": "²"},
        {"Retry-After": "9" * 400},
        {"Retry-After": "Fri, 31 Dec 9999 23:59:59 -2359"},
        {"Retry-After": "Mon, 01 Jan 0001 00:00:00 +2359"},
        {"Retry-After": ""},
    ],
    ids=lambda headers: headers["Retry-After"][:20],
)
def test_a_header_of_any_form(airflow, client, headers):
    """It is no reason for anything but another attempt, or for none."""
    airflow.faults = [Fault("status", status=503, headers=headers)]
    found = []
    with suppress(AirflowUnreachable):
        found = client.dags()

    assert not found


@pytest.fixture
def endless(airflow, time, monkeypatch):
    """Pages without an end, each of which takes a second."""

    def page(key, entries, query):
        time.time += 1
        first = int(query.get("offset", 0))
        entries = [
            {"dag_id": f"d{first + number}", "is_paused": True, "task_id": f"t{first + number}"}
            for number in range(100)
        ]
        return 200, {key: [{**entry, "state": None} for entry in entries], "total_entries": 10**9}

    monkeypatch.setattr(airflow, "_page", page)


@pytest.mark.usefixtures("endless")
def test_a_list_without_an_end(client, time):
    """It is given up."""
    with pytest.raises(AirflowUnreachable, match=r"does not end: it has had 12\d00 entries so far"):
        client.dags()

    assert time.time <= 125


def test_a_list_of_too_many_pages(airflow, client, monkeypatch):
    """Also a quick one is given up."""
    monkeypatch.setattr("kedro_airflow_k8s.airflow.client._PAGES", 5)
    monkeypatch.setattr(
        airflow, "_page", lambda key, entries, query: (200, {key: [{"is_paused": True}], "total_entries": 10**9})
    )
    with pytest.raises(AirflowUnreachable, match="does not end: it has had 5 entries so far"):
        client.dags()


@pytest.mark.usefixtures("endless")
def test_a_list_without_an_end_does_not_lengthen_the_wait_for_a_run(airflow, client, time):
    """-w MINUTES ends it."""
    airflow.add_run()
    with pytest.raises(WaitTimeout):
        wait_for_end(client, "demo", "r", seconds=30)

    assert time.time <= 40


@pytest.mark.usefixtures("endless")
def test_a_list_without_an_end_does_not_lengthen_the_wait_for_a_dag(client, time):
    """--load-timeout ends it."""
    with pytest.raises(DagNotLoaded):
        wait_until_loaded(client, "demo", "build", Before(None), file_name="demo.py", output="/dags", seconds=30)

    assert time.time <= 40


@pytest.mark.parametrize("before", range(470, 505, 3))
@pytest.mark.parametrize(
    "form",
    [
        lambda text: json.dumps({"detail": text}),
        lambda text: json.dumps({"detail": [{"loc": 1, "msg": text}]}),
        lambda text: json.dumps({"detail": {"reason": text}}),
        lambda text: text[400:],
        lambda text: f"<html><title>{text[400:]}</title></html>",
    ],
    ids=["text", "list", "mapping", "plain", "HTML"],
)
def test_half_a_secret_is_not_shown(serve, time, before, form):
    """A long text is cut where the secret is already hidden."""
    state = serve(anonymous=True)
    token = "planted" * 20
    client = connect(state.url, {"AIRFLOW_API_TOKEN": token}, clock=time.clock)
    state.faults = [Fault("status", status=400, body=form("x" * before + token + "y" * 500), times=9)]
    with pytest.raises(AirflowError) as error:
        client.unpause("demo")

    assert "pla" not in str(error.value)


@pytest.mark.parametrize("secret", ['pl"anted', "plänted", "pl\\anted", "pl&anted", "pl anted"])
def test_a_secret_is_hidden_however_it_is_escaped(serve, time, secret):
    """As a server may quote it in JSON within JSON, in an address or in HTML."""
    state = serve(version="2.11.2", anonymous=True)
    client = connect(state.url, {**LOGIN, "AIRFLOW_API_PASSWORD": secret}, clock=time.clock)
    forms = [secret, json.dumps(secret), quote(secret), escape(secret), repr(secret)]
    state.faults = [Fault("status", status=400, body=json.dumps({"detail": " ".join(forms)}), times=9)]
    with pytest.raises(AirflowError) as error:
        client.unpause("demo")

    assert "anted" not in str(error.value)
    assert "nted" not in str(error.value)
