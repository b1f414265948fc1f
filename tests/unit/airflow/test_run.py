"""A run from the upload to its end: what is printed where, and what an interrupt says."""

from types import SimpleNamespace

import pytest

from kedro_airflow_k8s import run
from kedro_airflow_k8s.airflow import Run
from kedro_airflow_k8s.errors import RunFailed
from kedro_airflow_k8s.model import File

BUILD = SimpleNamespace(dag_id="demo", build_id="0123456789ab", file=File("demo.py", "# the DAG\n"))


def test_a_table_in_a_file_has_a_line_for_each_task(airflow, client, capsys, monkeypatch):
    """However long its name, and without a control code; it is all that stdout gets."""
    monkeypatch.setenv("COLUMNS", "40")
    name = "a-task-of-a-long-name-" * 6
    airflow.add_run(state="success")
    airflow.add_task(name, "success")
    run.follow(client, Run("demo", "r", "running"), run.Wait())

    printed = capsys.readouterr()
    assert [name, "success", "1"] == printed.out.splitlines()[1].split()
    assert "Run r: success" in printed.out.splitlines()[-1]
    assert "\x1b" not in printed.out + printed.err


def test_the_table_is_printed_of_a_run_that_failed_too(airflow, client, capsys):
    """It is then that it is looked at."""
    airflow.add_run(state="failed")
    airflow.add_task("a", "failed", 0)
    with pytest.raises(RunFailed):
        run.follow(client, Run("demo", "r", "running"), run.Wait())

    assert ["a", "failed"] == capsys.readouterr().out.splitlines()[1].split()


def test_an_interrupted_trigger_says_which_run_there_may_be(airflow, client, said, tmp_path, monkeypatch):
    """Its answer may have been on its way."""
    airflow.add_dag("demo", doc_md=BUILD.build_id)

    def interrupt(dag_id, run_id):
        raise KeyboardInterrupt

    monkeypatch.setattr(client, "trigger", interrupt)
    with pytest.raises(KeyboardInterrupt):
        run.start(BUILD, client, str(tmp_path), run.Wait(), replace_schedule=False, report=said.append)

    assert said[-1].startswith("Whether Airflow has started run kedro__")
    assert f"is not known; see {airflow.url}/dags/demo/" in said[-1]


def test_the_schedule_of_a_dag_whose_file_is_gone_is_not_in_the_way(airflow, client, said, time, tmp_path):
    """Airflow keeps what it knew of it, and runs it no more."""
    airflow.add_dag("demo", timetable_summary="@daily", schedule_interval="@daily", is_stale=True, is_active=False)
    time.at = [(1, lambda: airflow.add_dag("demo", doc_md=BUILD.build_id))]
    run.start(BUILD, client, str(tmp_path), run.Wait(), replace_schedule=False, report=said.append)

    assert said[-1].startswith("Triggered kedro__")


def test_an_interrupted_wait_for_the_dag_says_that_there_is_no_run(airflow, client, said, time, tmp_path):
    """Whatever was uploaded stays."""

    def interrupt():
        raise KeyboardInterrupt

    time.at = [(3, interrupt)]
    with pytest.raises(KeyboardInterrupt):
        run.start(BUILD, client, str(tmp_path), run.Wait(), replace_schedule=False, report=said.append)

    assert "No run was triggered" == said[-1]
    assert [] == airflow.asked("POST", "/dagRuns")
