"""A real Airflow started, watched and stopped; here a stand-in for it."""

import asyncio
import json
import socket
import sqlite3
import stat
from contextlib import asynccontextmanager, closing

import aiohttp
import pytest

from kedro_airflow_k8s.errors import SandboxError
from kedro_airflow_k8s.sandbox.airflow import database, server, settings
from kedro_airflow_k8s.sandbox.airflow.server import AirflowServer
from kedro_airflow_k8s.sandbox.cluster import processes
from tests.unit.sandbox.airflow import standin

BOTH = pytest.mark.parametrize("version", ["2.11.2", "3.3.2"])


def made(tmp_path, version="3.3.2", *, plan=None, **options):
    python = standin.environment(tmp_path / "environment", version, **(plan or {}))
    return AirflowServer(python, tmp_path / "root", cluster="http://127.0.0.1:1", token="t", **options), python


@asynccontextmanager
async def running(it):
    try:
        await it.start()
        yield it
    finally:
        await it.stop()


def run(it, scene=None):
    async def whole():
        async with running(it):
            return await scene() if scene else None

    return asyncio.run(whole())


@BOTH
def test_airflow_is_up_and_knows_its_user(tmp_path, version):
    """When `start` returns, Airflow is healthy, and refuses any password but the one made for the session."""
    it, _ = made(tmp_path, version)
    health = {"2": "/health", "3": "/api/v2/monitor/health"}[version[0]]

    async def ask():
        async with aiohttp.ClientSession(it.url) as session, session.get(health) as response:
            it.password = "another"
            with pytest.raises(SandboxError, match="is not the sandbox's"):
                await it._log_in(session)
            return response.status

    assert 200 == run(it, ask)


def test_each_session_has_a_password_of_its_own(tmp_path):
    """Two servers never share a password."""
    one, python = made(tmp_path)
    other = AirflowServer(python, tmp_path / "other", cluster="http://127.0.0.1:1", token="t")

    assert one.password != other.password


@pytest.mark.parametrize(
    ("version", "triggerer", "expected"),
    [
        ("2.11.2", False, {"webserver", "scheduler --skip-serve-logs"}),
        ("3.3.2", False, {"api-server", "scheduler --skip-serve-logs", "dag-processor"}),
        ("2.11.2", True, {"webserver", "scheduler --skip-serve-logs", "triggerer --skip-serve-logs"}),
    ],
)
def test_components_of_each_airflow(tmp_path, version, triggerer, expected):
    """What is started is what that Airflow consists of; the triggerer only if asked for."""
    it, python = made(tmp_path, version, triggerer=triggerer)

    run(it)

    assert expected == set(standin.calls(python))


def test_a_database_is_made_where_there_is_no_template(tmp_path):
    """An environment that the sandbox did not make serves too."""
    it, python = made(tmp_path)
    (tmp_path / "environment" / database.TEMPLATE).unlink()

    run(it)

    assert "db migrate" == standin.calls(python)[0]


def test_the_database_of_airflow_2_has_an_administrator(tmp_path):
    """Airflow 2 keeps users in its database, and is told to make one there; Airflow 3 is not."""
    of_2 = standin.environment(tmp_path / "2", "2.11.2")
    of_3 = standin.environment(tmp_path / "3", "3.3.2")

    for python in (of_2, of_3):
        asyncio.run(database.make(python, tmp_path / "airflow.db"))

    create = "users create --role Admin --use-random-password --username admin"
    person = "--firstname Sand --lastname Box --email sand@box.invalid"
    assert ["db migrate", f"{create} {person}", "sync-perm"] == standin.calls(of_2)
    assert ["db migrate"] == standin.calls(of_3)


@BOTH
def test_nothing_of_the_users_environment_gets_in(tmp_path, monkeypatch, version):
    """Airflow sees no variable but those it is given: no configuration, no Python path, no home of the user's."""
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", "CeleryExecutor")
    monkeypatch.setenv("PYTHONPATH", "/somewhere")
    monkeypatch.setenv("KUBECONFIG", "/somewhere")
    it, python = made(tmp_path, version)

    run(it)

    # Python itself may add LC_CTYPE.
    seen = {name: value for name, value in standin.variables(python, "scheduler").items() if name != "LC_CTYPE"}
    port = int(it.url.rpartition(":")[2])
    own = settings.airflow2(port) if version[0] == "2" else settings.airflow3(port, it.folder)
    expected = {**settings.base(python, it.folder), **settings.common(it.folder, 4), **own}
    random = set(settings.keys())
    assert expected == {name: value for name, value in seen.items() if name not in random}
    assert random <= set(seen)


@BOTH
def test_variables_are_in_the_database(tmp_path, version):
    """Airflow Variables are there as given, whatever their names."""
    it, _ = made(tmp_path, version, variables={"odd name-1": "it's", "json": '{"a": 1}'})

    run(it)

    with closing(sqlite3.connect(it.folder.database)) as connection:
        rows = connection.execute("SELECT key, val, is_encrypted FROM variable ORDER BY id").fetchall()
    assert [("odd name-1", "it's", 0), ("json", '{"a": 1}', 0)] == rows


def test_the_kubeconfig_names_the_cluster_and_its_token(tmp_path):
    """Airflow's Kubernetes provider finds the cluster by KUBECONFIG alone."""
    it, _ = made(tmp_path)

    run(it)

    config = json.loads(it.folder.kubeconfig.read_text())
    assert {"server": "http://127.0.0.1:1"} == config["clusters"][0]["cluster"]
    assert {"token": "t"} == config["users"][0]["user"]


def test_secrets_are_for_this_user_only(tmp_path):
    """Nobody else can read a password or a token."""
    it, _ = made(tmp_path)

    run(it)

    files = (it.folder.passwords, it.folder.kubeconfig)
    assert [0o600, 0o600] == [stat.S_IMODE(file.stat().st_mode) for file in files]
    assert 0o700 == stat.S_IMODE(it.folder.root.stat().st_mode)


@pytest.mark.parametrize("component", ["api-server", "scheduler", "dag-processor"])
def test_a_component_that_does_not_start_is_quoted(tmp_path, component):
    """A component that ends while Airflow starts is an error with its last lines."""
    failing = {"says": ["first", "no such table: dag"], "exits": 3}
    it, _ = made(tmp_path, plan={"healthy": False, component: failing})

    with pytest.raises(SandboxError) as caught:
        run(it)

    lines = (
        f"Airflow's {component} ended (exit status 3); the last lines of {component}:\n  first\n  no such table: dag"
    )
    assert lines == str(caught.value)


def test_a_component_that_ends_later_is_noticed(tmp_path):
    """`watch` returns never, but fails as soon as a component ends."""
    it, _ = made(tmp_path, plan={"dag-processor": {"says": ["out of memory"], "exits": 1, "after": 0.6}})

    with pytest.raises(SandboxError, match=r"dag-processor ended \(exit status 1\).*\n  out of memory"):
        run(it, it.watch)


def test_an_airflow_that_never_gets_healthy_is_given_up(tmp_path):
    """After the time given it is an error that quotes every component."""
    it, _ = made(tmp_path, plan={"healthy": False, "scheduler": {"says": ["waiting for a lock"]}})

    async def impatient():
        try:
            await it.start(seconds=0.6)
        finally:
            await it.stop()

    with pytest.raises(SandboxError, match=r"did not start within 1 s(.|\n)*waiting for a lock"):
        asyncio.run(impatient())


@BOTH
def test_a_port_taken_meanwhile_is_exchanged(tmp_path, monkeypatch, version):
    """If another process takes the port first, Airflow starts on another one."""
    it, _ = made(tmp_path, version)
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        free = server.free_port()
        ports = iter([other.getsockname()[1], free])
        monkeypatch.setattr(server, "free_port", lambda: next(ports))

        run(it)

    assert settings.url(free) == it.url


def test_stopping_leaves_no_process(tmp_path):
    """What Airflow started ends with it, even a task in its own session that ignores polite signals."""
    it, _ = made(tmp_path)

    async def count():
        return len(processes.residents(it.folder.root))

    before = run(it, count)

    assert 4 == before
    assert [] == processes.residents(it.folder.root)


def test_the_terminal_stays_quiet(tmp_path, capfd):
    """What Airflow's processes write goes to files."""
    it, _ = made(tmp_path, plan={"scheduler": {"says": ["a banner"]}})

    run(it)

    assert ("", "") == capfd.readouterr()
    assert "a banner\n" == (it.folder.logs / "scheduler.log").read_text()


def test_an_environment_without_airflow_is_an_error(tmp_path):
    """The folder is named, and what to do."""
    (tmp_path / "bin").mkdir()

    with pytest.raises(SandboxError, match="holds no Airflow; remove the folder"):
        AirflowServer(tmp_path / "bin" / "python", tmp_path / "root", cluster="", token="")


def test_a_database_that_cannot_be_made_is_an_error(tmp_path):
    """What Airflow wrote is in the message, and no half of a database stays."""
    python = standin.environment(tmp_path / "environment", db={"says": ["disk is full"], "exits": 1})
    target = tmp_path / "airflow.db"

    with pytest.raises(SandboxError, match=r"`airflow db migrate` failed with exit status 1:\n  disk is full"):
        asyncio.run(database.make(python, target))

    assert not target.exists()
