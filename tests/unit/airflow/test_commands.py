"""The commands that look at Airflow, and `schedule`."""

import json
from datetime import datetime, timezone

import pytest

from kedro_airflow_k8s.build import next_start
from tests.unit.conftest import CONFIG

from .conftest import LOGIN


@pytest.fixture
def project(kedro_project, airflow, monkeypatch):
    """A project whose Airflow is the fake one."""
    for name, value in LOGIN.items():
        monkeypatch.setenv(name, value)
    return kedro_project(config=CONFIG.replace("http://127.0.0.1:1", airflow.url))


def tags(*names):
    return [{"name": name} for name in ("kedro-airflow-k8s", *names)]


def test_pipelines_are_listed_as_a_table(project, airflow):
    """Each DAG of ours is a row, sorted, also one that lacks an experiment."""
    airflow.add_dag("b", tags=tags("experiment_name:demo"))
    airflow.add_dag("007", tags=tags("experiment_name:demo"))
    airflow.add_dag("old", tags=tags())

    result = project.run("list-pipelines")

    assert result.exit_code == 0, result.output
    rows = [line.split() for line in result.stdout.splitlines()]
    assert rows == [["Name", "ID"], ["------", "----"], ["old"], ["demo", "007"], ["demo", "b"]]


def test_pipelines_are_listed_as_json(project, airflow, tmp_path):
    """The last line of stdout is one line of JSON, which a file gets as well."""
    airflow.add_dag("b", tags=tags("experiment_name:demo"))

    result = project.run("list-pipelines", "--format", "json", "--output-file", str(tmp_path / "dags.json"))

    expected = [{"name": "demo", "id": "b"}]
    assert json.loads(result.stdout.splitlines()[-1]) == expected
    assert json.loads((tmp_path / "dags.json").read_text()) == expected


def test_a_file_that_cannot_be_written_is_a_clear_error(project, tmp_path):
    """A folder that is not there is named; there is no traceback."""
    result = project.run("list-pipelines", "--output-file", str(tmp_path / "nowhere/dags.json"))

    assert result.exit_code == 1
    assert str(tmp_path / "nowhere/dags.json") in result.output
    assert isinstance(result.exception, SystemExit)


def test_ui_prints_and_opens_the_page_of_the_dag(project, airflow, monkeypatch):
    """The address is that of the pipeline's DAG, which needs no answer of Airflow."""
    opened = []
    monkeypatch.setattr("click.launch", opened.append)

    result = project.run("-p", "first", "ui")

    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[-1] == f"{airflow.url}/dags/Demo-first"
    assert opened == [f"{airflow.url}/dags/Demo-first"]


def test_schedule_uploads_with_the_schedule(project, tmp_path):
    """-c replaces the configured schedule, -d the id; the next start is said."""
    result = project.run("schedule", "-c", "0 5 * * *", "-d", "nightly", "-o", str(tmp_path / "dags"))

    assert result.exit_code == 0, result.output
    assert 'schedule="0 5 * * *"' in (tmp_path / "dags/nightly.py").read_text()
    assert "Once Airflow has loaded nightly and it is not paused, its next run starts at" in result.output


def test_a_wrong_schedule_is_refused(project, tmp_path):
    """The mistake on the command line is named as the key that it replaces."""
    result = project.run("schedule", "-c", "every day", "-o", str(tmp_path / "dags"))

    assert result.exit_code == 1
    assert "run_config.cron_expression, as the command line has it: should be a cron expression" in result.output
    assert not (tmp_path / "dags").exists()


NEW = "UTC at once, if it is new to Airflow"
DAILY = "its next run starts at 2026-03-02 00:00 UTC"
EARLY = "its next run starts at 2026-03-02 00:30 UTC"
LATER = "its next run starts at 2026-04-01 00:00 UTC, on Airflow 2 at the end of its interval, "


@pytest.mark.parametrize(
    ("schedule", "start", "expected"),
    [
        ("@daily", "2026-02-27", f"{DAILY}; the one of 2026-03-01 00:00 {NEW}"),
        ("30 0 * * *", "2026-03-01", f"{EARLY}; on Airflow 3 the one of 2026-03-01 00:30 {NEW}"),
        ("@daily", "2026-04-01", f"{LATER}2026-04-02 00:00 UTC"),
        ("@monthly", "2026-03-02", f"{LATER}2026-05-01 00:00 UTC"),
        ("@quarterly", "2026-02-27", f"{LATER}2026-07-01 00:00 UTC"),
        ("@once", "2026-02-27", "it runs once"),
        ("@once", "2026-04-01", "it runs once, not before 2026-04-01 00:00 UTC"),
        ("@continuous", "2026-02-27", "it runs again and again"),
        ("@continuous", "2026-04-01", "it runs again and again, not before 2026-04-01 00:00 UTC"),
        (None, "2026-02-27", "it runs only when triggered"),
    ],
)
def test_when_a_schedule_starts_next(schedule, start, expected):
    """Every schedule has an answer, which takes the start date into account."""
    now, start = datetime(2026, 3, 1, 12, tzinfo=timezone.utc), datetime.fromisoformat(f"{start}T00:00+00:00")

    assert next_start(schedule, start, catchup=False, now=now) == expected


def test_when_a_schedule_that_catches_up_starts_next():
    """What was missed comes first."""
    now, start = (datetime(2026, month, 1, 12, tzinfo=timezone.utc) for month in (3, 1))

    assert next_start("@daily", start, catchup=True, now=now) == (
        "its next run starts at 2026-03-02 00:00 UTC, after those since 2026-01-01 that Airflow has not had"
    )
