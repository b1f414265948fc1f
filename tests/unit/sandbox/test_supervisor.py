"""A whole sandbox as one process that ends with the one that started it; Airflow is a stand-in, the cluster is real."""

import json
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import PurePosixPath

import psutil
import pytest

from kedro_airflow_k8s.errors import SandboxError
from kedro_airflow_k8s.sandbox import session
from kedro_airflow_k8s.sandbox.cluster import processes
from tests.unit.sandbox.airflow import standin

# A command that runs a sandbox, tells of it, and waits. It is killed, so it must be a process of its own.
COMMAND = """
import sys, time
from pathlib import Path
from kedro_airflow_k8s.sandbox import session
setup, _ = session.load(sys.argv[1])
with session.started(setup, lambda text: print(text, flush=True)) as server:
    print(server.dags.parent.parent, server.url, server.kubernetes, flush=True)
    time.sleep(600)
"""


@pytest.fixture(autouse=True)
def temporary(tmp_path, monkeypatch):
    """Keep the sandboxes' folders where the test can look for them."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


def setup(tmp_path, version="3.3.2", **plan):
    project = tmp_path / "project"
    project.mkdir(exist_ok=True)
    python = standin.environment(tmp_path / "environment", version, **plan)
    return session.Setup(python, project, PurePosixPath("/home/kedro_docker"), {"s": {"k": "v"}}, {"name": "value"})


def command(setup, tmp_path):
    arguments = [sys.executable, "-c", COMMAND, session.dump(setup, tmp_path)]
    return subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True, start_new_session=True)


def listens(url):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", int(url.rpartition(":")[2]))) == 0


def ended(seen, folder, seconds=15):
    """Wait until those processes, and any other that works in the folder, are gone and the folder is empty."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        alive = [process for process in seen if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]
        if not alive and not processes.residents(folder) and not list(folder.iterdir()):
            return True
        time.sleep(0.05)
    return False


def run(setup, act=lambda: None):
    """Run a sandbox and do something to it, until it ends by itself."""
    with session.started(setup, lambda text: None) as server:
        act()
        while True:
            server.check()
            time.sleep(0.05)


def supervisor():
    children = psutil.Process().children()
    return next(child for child in children if "kedro_airflow_k8s.sandbox.supervisor" in child.cmdline())


@pytest.mark.parametrize("version", ["2.11.2", "3.3.2"])
def test_a_sandbox_lasts_as_long_as_its_block(tmp_path, temporary, version):
    """Within the block Airflow and Kubernetes answer; after it neither they nor a process nor a file is left."""
    said = []
    with session.started(setup(tmp_path, version), said.append) as server:
        family = psutil.Process().children(recursive=True)
        up = [listens(server.url), listens(server.kubernetes), server.dags.is_dir()]
        server.check()

    assert [True, True, True] == up
    assert ["Starting Kubernetes", f"Starting Airflow {version}"] == said
    assert ended(family, temporary, seconds=0.1)
    assert [False, False] == [listens(server.url), listens(server.kubernetes)]


def test_the_cluster_wants_the_token_of_airflows_kubeconfig(tmp_path):
    """No other user of the machine can start a pod; Airflow can."""
    with session.started(setup(tmp_path), lambda text: None) as server:
        config = json.loads((server.dags.parent / "kubeconfig").read_text())
        token = config["users"][0]["user"]["token"]
        address = f"{server.kubernetes}/api/v1/namespaces/lab/pods"
        with pytest.raises(urllib.error.HTTPError, match="401"):
            urllib.request.urlopen(address)
        request = urllib.request.Request(address, headers={"Authorization": f"Bearer {token}"})
        with urllib.request.urlopen(request) as answer:
            status = answer.status

    assert 200 == status
    assert server.kubernetes == config["clusters"][0]["cluster"]["server"]


def test_an_airflow_that_does_not_start_is_an_error(tmp_path, temporary):
    """The reason reaches the command, and nothing is left."""
    failing = setup(tmp_path, scheduler={"says": ["no such table: dag"], "exits": 1}, healthy=False)

    with pytest.raises(SandboxError, match=r"scheduler ended \(exit status 1\).*\n  no such table: dag"):
        run(failing)

    assert ended([], temporary, seconds=0.1)


def test_a_project_that_cannot_be_copied_is_an_error(tmp_path, temporary):
    """What the cluster says reaches the command too."""
    missing = setup(tmp_path)
    (tmp_path / "project").rmdir()

    with pytest.raises(SandboxError, match="project cannot be copied into the sandbox"):
        run(missing)

    assert ended([], temporary, seconds=0.1)


def test_a_component_that_ends_later_is_noticed(tmp_path, temporary):
    """`check` tells which of Airflow's processes ended, and why."""
    failing = setup(tmp_path, scheduler={"says": ["out of memory"], "exits": 1, "after": 1})

    with pytest.raises(SandboxError, match=r"scheduler ended \(exit status 1\).*\n  out of memory"):
        run(failing)

    assert ended([], temporary, seconds=0.1)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_supervisor_that_is_ended_leaves_nothing(tmp_path, temporary, number):
    """Whatever ends the supervisor: `check` tells, and after the block nothing is left."""
    family = []

    def end():
        family.extend(psutil.Process().children(recursive=True))
        supervisor().send_signal(number)

    with pytest.raises(SandboxError, match="supervisor ended"):
        run(setup(tmp_path), end)

    assert 5 == len(family)
    assert ended(family, temporary, seconds=0.1)


def test_a_command_that_is_killed_leaves_nothing(tmp_path, temporary):
    """Even if the command gets no chance to clean up, processes, ports and files are gone soon after."""
    running = command(setup(tmp_path), tmp_path)
    lines = [running.stdout.readline() for _ in range(3)]
    _, *addresses = lines[-1].split()
    family = psutil.Process(running.pid).children(recursive=True)

    running.kill()
    running.communicate()

    assert 5 == len(family)
    assert ended(family, temporary)
    assert [False, False] == [listens(address) for address in addresses]


@pytest.mark.parametrize("line", [1, 2])
def test_a_command_that_is_killed_while_it_starts_leaves_nothing(tmp_path, temporary, line):
    """The same if it is killed while the cluster starts, or Airflow."""
    running = command(setup(tmp_path, healthy=False), tmp_path)
    for _ in range(line):
        running.stdout.readline()
    family = psutil.Process(running.pid).children(recursive=True)

    running.kill()
    running.communicate()

    assert family
    assert ended(family, temporary)


def test_what_the_supervisor_is_told(tmp_path):
    """A spec survives the way to the supervisor."""
    told = setup(tmp_path)

    assert (told, tmp_path) == session.load(session.dump(told, tmp_path))
