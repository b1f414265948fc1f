"""What others wrote, on the user's terminal."""

import io
import json

import pytest
from rich.console import Console

from kedro_airflow_k8s.airflow import Run, Task
from kedro_airflow_k8s.terminal import visible
from kedro_airflow_k8s.watch import Watcher
from tests.unit.airflow.conftest import LOGIN, Fault
from tests.unit.airflow.conftest import serve as serve
from tests.unit.conftest import CONFIG

HOSTILE = "a\x1b[2J\x1b]0;title\x07\x9b31m\r\u202eb\ud800"
SHOWN = r"a\x1b[2J\x1b]0;title\x07\x9b31m\r\u202eb\ud800"


def test_control_characters_are_made_visible():
    """Nothing moves the cursor or turns the text around; line feeds, tabs and other scripts stay."""
    assert SHOWN == visible(HOSTILE)
    assert "żółw\tמה\n中" == visible("żółw\tמה\n中")
    assert "a\nb" == visible("a\r\nb")


@pytest.mark.parametrize("is_terminal", [True, False])
def test_the_table_of_a_run_shows_them(is_terminal):
    """In ids, states, notes and messages."""
    progress, result = (Console(file=io.StringIO(), force_terminal=is_terminal, width=200) for _ in range(2))
    with Watcher(progress, result) as watcher:
        watcher.report(HOSTILE)
        watcher.show(Run("demo", HOSTILE, HOSTILE), [Task(HOSTILE, HOSTILE, 1, note=HOSTILE)])

    printed = progress.file.getvalue() + result.file.getvalue()
    assert not {"\x07", "\x9b", "\u202e", "\ud800"} & {*printed}
    assert "\x1b[2J" not in printed
    assert "\x1b]0;" not in printed
    assert 4 <= printed.count(SHOWN)


@pytest.mark.parametrize("version", ["3.3.2", "2.11.2"])
def test_what_a_server_says_is_shown_with_them(serve, kedro_project, monkeypatch, version):
    """In the list of its DAGs, and in the reason of a refusal."""
    airflow = serve(version=version)
    for name, value in LOGIN.items():
        monkeypatch.setenv(name, value)
    project = kedro_project(config=CONFIG.replace("http://127.0.0.1:1", airflow.url))
    airflow.add_dag(HOSTILE)
    listed = project.run("list-pipelines")
    airflow.faults = [Fault("status", path="/dags", status=400, body=json.dumps({"detail": HOSTILE}))]
    refused = project.run("list-pipelines")

    assert SHOWN.replace(r"\ud800", "\ufffd") in listed.output
    assert SHOWN in refused.output
    assert "\x1b" not in listed.output + refused.output
