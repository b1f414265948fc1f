"""`sandbox`, as in the README."""

import json
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from kedro_airflow_k8s.sandbox.cluster import processes
from tests.e2e.conftest import AIRFLOWS, kedro, process_like, write
from tests.e2e.test_run_once import TASKS, states

NODES = [task for task in TASKS if task not in {"first", "second"}]


@pytest.fixture
def scratch():
    """A folder for temporary files, with a short name as sockets need one."""
    with tempfile.TemporaryDirectory(prefix="k-") as folder:
        yield Path(folder).resolve()


@pytest.mark.parametrize("version", AIRFLOWS)
def test_a_project_runs_to_success(spaceflights, scratch, version):
    """The whole pipeline succeeds, its metrics are kept, and nothing of the sandbox remains."""
    result = kedro(spaceflights, "airflow-k8s", "sandbox", "--airflow-version", version, TMPDIR=str(scratch))

    assert result.returncode == 0, result.stdout + result.stderr
    assert states(result) == dict.fromkeys(NODES, "success")
    assert result.stderr.count("Not emulated: limits of CPU, taints, network policy") == 1
    (kept,) = (line for line in result.stderr.splitlines() if line.startswith("What the run left in its volume"))
    metrics = json.loads((Path(kept.partition(" is in ")[2]) / "08_reporting/metrics.json").read_text(encoding="utf-8"))
    assert metrics["r2"] > 0.3
    assert list(scratch.iterdir()) == []
    assert processes.residents(scratch) == []


def in_the_middle(command, scratch, log):
    """Wait until a node runs in its pod: what the command tells of that comes late, or never if the node is quick."""
    deadline = time.monotonic() + 300
    while command.poll() is None and time.monotonic() < deadline:
        if process_like(".* --nodes=", scratch):
            return
        time.sleep(0.2)
    raise AssertionError(log.read_text(encoding="utf-8"))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_an_end_in_the_middle_leaves_nothing(spaceflights, scratch, tmp_path, number):
    """Whether killed or interrupted while pods run, the command leaves no process and no file."""
    log = tmp_path / "sandbox.log"
    with log.open("w") as output:
        command = subprocess.Popen(
            [sys.executable, "-m", "kedro", "airflow-k8s", "sandbox"],
            cwd=spaceflights,
            env={**os.environ, "DO_NOT_TRACK": "1", "TMPDIR": str(scratch)},
            stdout=subprocess.DEVNULL,
            stderr=output,
        )
    in_the_middle(command, scratch, log)

    command.send_signal(number)
    command.wait(60)

    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and (processes.residents(scratch) or list(scratch.iterdir())):
        time.sleep(0.2)
    assert processes.residents(scratch) == []
    assert list(scratch.iterdir()) == []
    assert command.returncode == (-signal.SIGKILL if number == signal.SIGKILL else 130)


def test_the_other_commands_work_on_a_sandbox_that_is_kept(spaceflights, scratch):
    """With what it prints another terminal lists the DAG that was run there; Ctrl-C ends it as the run has ended."""
    command = subprocess.Popen(
        [sys.executable, "-m", "kedro", "airflow-k8s", "-p", "data_processing", "sandbox", "--keep"],
        cwd=spaceflights,
        env={**os.environ, "DO_NOT_TRACK": "1", "TMPDIR": str(scratch)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    lines = []
    for line in command.stderr:
        lines.append(line)
        if line.startswith("  output: "):
            break
    exported, _, *settings = lines[-4:]
    write(spaceflights, "conf/local/airflow-k8s.yaml", "".join(settings))
    login = dict(word.split("=", 1) for word in shlex.split(exported)[1:])

    listed = kedro(spaceflights, "airflow-k8s", "list-pipelines", "--format", "json", **login)
    command.send_signal(signal.SIGINT)
    command.communicate(timeout=60)

    assert listed.returncode == 0, listed.stdout + listed.stderr
    assert '"spaceflights-data_processing"' in listed.stdout
    assert command.returncode == 0
