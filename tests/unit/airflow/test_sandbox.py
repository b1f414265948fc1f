"""What the sandbox says of a run, with an Airflow that it believes to have started."""

import shlex
from contextlib import contextmanager
from math import inf
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from kedro_airflow_k8s import run, sandbox
from kedro_airflow_k8s.config import load, load_sandbox
from kedro_airflow_k8s.errors import RunFailed, SandboxError, WaitTimeout
from kedro_airflow_k8s.model import File
from kedro_airflow_k8s.sandbox import run_here
from kedro_airflow_k8s.sandbox.session import Sandbox

from .conftest import LOGIN

RUN = {"image": "demo:1", "namespace": "airflow", "experiment_name": "Demo"}


@pytest.fixture
def here(airflow, said, tmp_path, monkeypatch):
    """Return a function that runs a DAG in a sandbox whose Airflow is the pretended one, and the config is as given."""
    folders = (tmp_path / name for name in "dcr")
    server = Sandbox(airflow.url, *LOGIN.values(), *folders, "http://127.0.0.1:1", lambda: checks[-1]())
    checks = [lambda: None]
    server.dags.mkdir()
    airflow.add_dag("demo", doc_md="0123456789ab")
    airflow.add_task("only", "success")

    @contextmanager
    def started(spec, report):
        report("Airflow is ready")
        yield server

    monkeypatch.setattr(sandbox.install, "ensure", lambda version, report: Path("python"))
    monkeypatch.setattr(sandbox.session, "started", started)

    def start(*, keep=False, end=inf, check=None, **more):
        checks.extend([check] if check else [])
        build = SimpleNamespace(
            project=SimpleNamespace(path=tmp_path, workdir=None),
            project_path=Path("/home/kedro_docker"),
            config=load({"run_config": {**RUN, **more}}, ["file"]),
            dag_id="demo",
            build_id="0123456789ab",
            file=File("demo.py", "# the DAG\n"),
            tracked=False,
        )
        run_here(build, load_sandbox({}, ["file"]), run.Wait(end=end), version=None, keep=keep, report=said.append)

    return start


@pytest.fixture
def ending(airflow, monkeypatch):
    """Return a function that decides in which state a run is from its beginning on."""

    def end(state):
        begin = airflow.add_run
        monkeypatch.setattr(airflow, "add_run", lambda run_id, dag_id, _: begin(run_id, dag_id, state))

    return end


def test_what_is_missing_is_said_first(here, ending, said):
    """Nothing has been installed or started when the user learns of it."""
    ending("success")

    here(env_vars=["API_HOST"])

    assert said[0].startswith("Note: conf/local/airflow-k8s-sandbox.yaml has no variable 'API_HOST'")


def test_a_run_that_took_too_long_goes_down_with_the_sandbox(here):
    """The run does not go on, and nothing answers any more at the address that the error names."""
    with pytest.raises(WaitTimeout) as error:
        here(end=0.01)

    assert str(error.value).endswith(f"\n\n{sandbox.GONE}")


def test_a_failed_run_is_not_to_be_seen_any_more(here, ending):
    """The error is the one that another Airflow would bring, and says that this one is gone."""
    ending("failed")

    with pytest.raises(RunFailed) as error:
        here()

    assert "ended as failed" in str(error.value)
    assert str(error.value).endswith(f"\n\n{sandbox.GONE}")


def test_nothing_is_waited_for_that_the_sandbox_has_ended(here):
    """An Airflow of its own that broke down does not come back, and the reason is known."""

    def check():
        raise SandboxError("Airflow's scheduler has ended")

    with pytest.raises(SandboxError, match="Airflow's scheduler has ended"):
        here(end=60, check=check)


@pytest.fixture
def interrupted(monkeypatch):
    """Press Ctrl-C as soon as the sandbox waits for it."""

    def interrupt(seconds):
        raise KeyboardInterrupt

    monkeypatch.setattr(sandbox, "time", SimpleNamespace(sleep=interrupt))


def test_a_failed_run_is_to_be_seen_if_the_sandbox_is_kept(here, ending, said, interrupted):
    """What failed is told while Airflow is up, and not once more when it is gone."""
    ending("failed")

    with pytest.raises(RunFailed) as error:
        here(keep=True)

    assert [sandbox.GONE in line for line in said if "ended as failed" in line] == [False]
    assert str(error.value) == sandbox.KEPT


def test_a_sandbox_that_stays_can_be_used(here, ending, said, airflow, tmp_path, interrupted):
    """What the other commands need is printed as a shell and as airflow-k8s.yaml take it."""
    ending("success")

    here(keep=True)

    exported, _, *lines = said[-1].splitlines()[2:]
    assert [f"{name}={value}" for name, value in LOGIN.items()] == shlex.split(exported)[1:]
    assert {"host": airflow.url, "output": f"{tmp_path}/d"} == yaml.safe_load("\n".join(lines))


def test_what_a_run_left_is_for_its_user_alone(here, ending, said, tmp_path, monkeypatch):
    """It may be confidential; a folder of runs that others could read is closed to them."""
    runs = tmp_path / "cache" / "runs"
    runs.mkdir(parents=True, mode=0o755)
    monkeypatch.setenv("KEDRO_AIRFLOW_K8S_CACHE", str(tmp_path / "cache"))
    (tmp_path / "r" / "uid").mkdir(parents=True)
    (tmp_path / "r" / "uid" / "model.pkl").touch()
    ending("success")

    here()

    assert f"What the run left in its volume is in {runs / 'demo'}" in said
    assert (runs / "demo" / "model.pkl").exists()
    assert 0o700 == runs.stat().st_mode & 0o777
