"""A sandbox per supported Airflow for the tests of the commands, and the commands run as a user runs them.

An Airflow takes some 15 s to start, so all tests share one of each version. A new test joins them by the fixture `lab`:

    def test_a_node_that_counts(lab):
        shop = lab.add_project("shop", PIPELINE, env_vars=["LIMIT"])

        result = shop.kedro("run-once", "-w", "5")

        assert result.returncode == 0, result.stdout + result.stderr

It runs with each Airflow, or only with the newest if it is marked with `only_airflow_3`. Tests run in any order: a test
uses a DAG id that no other test uses, and leaves no claim behind. If it needs no pods, `tests/e2e/small.py` makes a DAG
that is quicker.
"""

import os
import re
import shutil
import subprocess
import sys
import textwrap
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import psutil
import pytest
import yaml

from kedro_airflow_k8s import dockerignore
from kedro_airflow_k8s.airflow import AirflowClient, connect
from kedro_airflow_k8s.sandbox import session
from kedro_airflow_k8s.sandbox.airflow import install
from kedro_airflow_k8s.sandbox.cluster import processes
from kedro_airflow_k8s.sandbox.cluster.image import Image
from kedro_airflow_k8s.sandbox.session import Sandbox, Setup
from tests.spaceflights import copy

AIRFLOWS = ("3.3", "2.11")
only_airflow_3 = pytest.mark.parametrize("shared_lab", AIRFLOWS[:1], indirect=True)

SECRET = "planted-secret"

# A pipeline that tells in what its nodes ran.
PROBE = """
import json
import os
import sys
from pathlib import Path

from kedro.pipeline import node, pipeline


def look(parameters, *_):
    import spaceflights

    spaceflights.seen = getattr(spaceflights, "seen", 0) + 1
    secret = Path("certificates/ca.pem")
    return {
        "pid": os.getpid(),
        "seen": spaceflights.seen,
        "environment": dict(os.environ),
        "argv": sys.argv,
        "parameters": parameters,
        "data": sorted(str(file) for file in Path("data").rglob("*.csv")),
        "secret": secret.read_text() if secret.exists() else None,
    }


def create_pipeline(**kwargs):
    return pipeline(
        [
            node(look, "parameters", "first_look", name="first"),
            node(look, ["parameters", "first_look"], "second_look", name="second"),
        ]
    )
"""

# A pipeline of one node that fails until it has been there before.
FLAKY = """
from pathlib import Path

from kedro.pipeline import node, pipeline


def try_again(_):
    attempt = Path("data/attempt")
    if not attempt.exists():
        attempt.touch()
        raise RuntimeError("not at the first time")
    return {"attempts": 2}


def create_pipeline(**kwargs):
    return pipeline([node(try_again, "params:ds", "flaky_look", name="flaky")])
"""

CATALOG = """
first_look: {type: json.JSONDataset, filepath: data/08_reporting/first.json}
second_look: {type: json.JSONDataset, filepath: data/08_reporting/second.json}
flaky_look: {type: json.JSONDataset, filepath: data/08_reporting/flaky.json}
"""

# Text that YAML, Kedro, Jinja, a shell or Kubernetes would each like to take for something else.
TRICKY = "a,b=c: [1] 'x' \"y\" $(id) $HOME {{ ds }} {% raw %} # ż😀\n\ttail "

SECRETS = {
    "database": {"user": "demo", "pass.word": TRICKY},
    "everything": {"FROM_ALL": "1", "ALSO": "$(FROM_ALL)"},
    "certificates": {"ca.pem": "-----BEGIN-----\n", "other": "x"},
}

VARIABLES = {"tricky": TRICKY, "number": "00123", "limits": '{"a": [1, 2]}', "API_HOST": "http://api/$(HOME)?a=1&b"}

# A day's schedule would start a second run, with a claim, if the tests run over midnight.
YEARLY = "cron_expression: '@yearly', start_date: 20240101"
SETTINGS = {
    # A DAG that is not scheduled does not wait for the start of the schedule: Airflow would execute nothing.
    "local": "run_config: {start_date: 20300101}",
    "broken": "",
    "inputs": """
run_config:
  cron_expression: null
  secrets:
    - {secret: database, key: pass.word, deploy_target: DB_PASSWORD}
    - {secret: everything}
    - {secret: certificates, key: ca.pem, deploy_type: volume, deploy_target: /home/kedro_docker/certificates}
  macro_params: [ds, prev_ds, ts_nodash, run_id]
  variables_params: [tricky, number, limits]
  env_vars: [API_HOST]
""",
    "missing": "run_config: {secrets: [{secret: not-there, key: k, deploy_target: X}], startup_timeout: 5}",
    "keep": "run_config: {volume: {keep_on_failure: true}}",
    "empty": "run_config: {cron_expression: null, volume: {skip_init: true}}",
    "diskless": "run_config: {volume: {disabled: true}}",
    "waiting": f"run_config: {{run_name: waiting, {YEARLY}, external_dependencies: [{{dag_id: upstream}}]}}",
    "stopped": "run_config: {volume: {disabled: true}, external_dependencies: [{dag_id: upstream}]}",
    "lost": f"run_config: {{run_name: lost, {YEARLY}, external_dependencies: [{{dag_id: no-such-dag}}]}}",
}


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Give all tests of one Airflow to one process of pytest-xdist, and the tests of any other file to one.

    So each Airflow is started once, and its tests run one after another. (`--dist loadgroup` cannot do it: pytest-xdist
    3.8 does not group tests with pytest 9.2.)
    """
    from xdist.scheduler import LoadScopeScheduling

    class ByAirflow(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            version = re.search(rf"[-\[]({'|'.join(map(re.escape, AIRFLOWS))})]$", nodeid)
            return version[1] if version else nodeid.partition("::")[0]

    return ByAirflow(config, log)


def kedro(project: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `kedro ARGUMENTS` in the project, wide enough for whole lines."""
    return subprocess.run(
        [sys.executable, "-m", "kedro", *arguments],
        cwd=project,
        env={**os.environ, "DO_NOT_TRACK": "1", "COLUMNS": "200", **environment},
        capture_output=True,
        text=True,
        timeout=540,
        check=False,
    )


def shown(client: AirflowClient) -> str:
    """Return what a client shows Airflow: its token, or user name and password in base 64."""
    return client._transport.login.authorization._header.split()[1]


def write(project: Path, name: str, content: str) -> None:
    """Write a file of the project."""
    (project / name).parent.mkdir(parents=True, exist_ok=True)
    (project / name).write_text(textwrap.dedent(content), encoding="utf-8")


def wait_for(look, seconds=120):
    """Return what `look` returns as soon as that is something."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(0.5)
    raise AssertionError(f"{look} found nothing within {seconds} s")


def process_like(pattern, root):
    """Return a process that lives in that folder and whose command line begins so, None if there is none."""
    for process in processes.residents(root):
        with suppress(psutil.Error):
            if re.match(pattern, " ".join(process.cmdline()).strip(), re.DOTALL):
                return process
    return None


@pytest.fixture
def spaceflights(tmp_path):
    """A copy of the project, outside git."""
    return copy(tmp_path)


@dataclass(frozen=True)
class Lab:
    """A project, and an Airflow that runs its pods."""

    project: Path
    server: Sandbox
    client: AirflowClient

    def add_project(self, name: str, pipeline: str, files: dict[str, str] | None = None, **run_config: object) -> "Lab":
        """Return this lab with a project of its own, which has that pipeline only and makes the DAG `name`.

        `pipeline` is the text of a module with `create_pipeline`, `files` are further ones of the project by their
        paths; `run_config` is added to the project's own. The image of all pods holds the project, as it is now, at
        /home/NAME.
        """
        place = PurePosixPath("/home", name)
        project = copy(self.project.parent / name)
        shutil.rmtree(project / "src/spaceflights/pipelines")
        write(project, "src/spaceflights/pipelines/__init__.py", "")
        write(project, f"src/spaceflights/pipelines/{name}/__init__.py", pipeline)
        for path, text in (files or {}).items():
            write(project, path, text)
        settings = {
            "host": self.server.url,
            "output": str(self.server.dags),
            "run_config": {"run_name": name, "project_path": str(place), "cron_expression": None, **run_config},
        }
        write(project, "conf/local/airflow-k8s.yaml", yaml.safe_dump(settings))
        image = Image(project, place, Path(sys.executable), dockerignore.read(project))
        image.build(self.server.claims.parent / "image")
        return replace(self, project=project)

    def kedro(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the plugin that talks to this Airflow."""
        login = {"AIRFLOW_API_USERNAME": self.server.username, "AIRFLOW_API_PASSWORD": self.server.password}
        return kedro(self.project, "airflow-k8s", *arguments, **login)

    def api(self, method: str, path: str, **body: object) -> dict:
        """Send a request to Airflow's API as a person would in Airflow's own page."""
        answer = self.client._transport.send(method, self.client.api.path + path, json=body or None)
        assert answer.ok, answer
        return answer.body

    def states(self, dag_id: str, run_id: str) -> dict[str, str | None]:
        """Return the state of each task of a run."""
        return {task.task_id: task.state for task in self.client.tasks(dag_id, run_id)}

    def log(self, dag_id: str, run_id: str, task_id: str) -> str:
        """Return what the last try of a task has logged so far."""
        (task,) = (task for task in self.client.tasks(dag_id, run_id) if task.task_id == task_id)
        return "\n".join(record.text for record in self.client.log(dag_id, run_id, task))

    def runs(self, dag_id: str) -> list[dict]:
        """Return the runs of a DAG, oldest first, as Airflow tells of them."""
        return self.api("GET", f"/dags/{dag_id}/dagRuns")["dag_runs"]

    def claims(self) -> set[Path]:
        """Return the directories of the claims that there are."""
        return set(self.server.claims.glob("*/*"))

    def stop(self, dag_id: str, run_id: str) -> None:
        """End a run whose outcome is of no interest, and that has no volume: its claim would stay behind."""
        self.api("PATCH", f"/dags/{dag_id}/dagRuns/{run_id}", state="failed")

    def clear(self, dag_id: str, run_id: str, task_id: str) -> None:
        """Have a task and what is downstream of it executed again."""
        what = {"dry_run": False, "dag_run_id": run_id, "task_ids": [task_id], "include_downstream": True}
        self.api("POST", f"/dags/{dag_id}/clearTaskInstances", **what, only_failed=False, reset_dag_runs=True)
        time.sleep(2)

    def end(self, dag_id: str, run_id: str, seconds: float = 240) -> str:
        """Wait for a run to end, and return the state in which it did."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            run = self.client.run(dag_id, run_id)
            if run is not None and run.has_ended:
                return run.state
            time.sleep(1)
        raise AssertionError(f"{dag_id} {run_id} has not ended: {self.states(dag_id, run_id)}")

    def left(self) -> dict[str, Path]:
        """Return the files that the last run left in its volume, by their paths in it."""
        (volume,) = self.server.released.iterdir()
        return {str(file.relative_to(volume)): file for file in volume.rglob("*") if file.is_file()}


@pytest.fixture(scope="session", params=AIRFLOWS)
def shared_lab(request, tmp_path_factory):
    """A sandbox with the spaceflights project, a pipeline more and an environment in which a node fails."""
    project = copy(tmp_path_factory.mktemp("lab"))
    write(project, "src/spaceflights/pipelines/probe/__init__.py", PROBE)
    write(project, "conf/base/catalog_probe.yml", CATALOG)
    write(project, "src/spaceflights/pipelines/flaky/__init__.py", FLAKY)
    write(project, "conf/broken/parameters.yml", "features: [no_such_column]\n")
    for environment in SETTINGS:
        write(project, f"conf/{environment}/.gitkeep", "")
    python = install.ensure(request.param, print)
    with session.started(
        Setup(python, project, PurePosixPath("/home/kedro_docker"), SECRETS, VARIABLES, triggerer=True), print
    ) as server:
        for environment, settings in SETTINGS.items():
            text = f"host: {server.url}\noutput: {server.dags}\n{settings}"
            write(project, f"conf/{environment}/airflow-k8s.yaml", text)
        login = {"AIRFLOW_API_USERNAME": server.username, "AIRFLOW_API_PASSWORD": server.password}
        yield Lab(project, server, connect(server.url, login))


@pytest.fixture
def lab(shared_lab):
    """The sandbox, without what an earlier test left in volumes; the test has to leave no claim behind."""
    shutil.rmtree(shared_lab.server.released, ignore_errors=True)
    before = shared_lab.claims()
    yield shared_lab
    shared_lab.server.check()
    assert shared_lab.claims() <= before


@pytest.fixture
def s3(monkeypatch, tmp_path):
    """An S3 with a bucket `dags`, and credentials for it in the environment."""
    # The tests of MLflow use this module, too, in an environment without these.
    import boto3
    import requests
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    environment = {
        "AWS_ENDPOINT_URL": "http://{}:{}".format(*server.get_host_and_port()),
        "AWS_ACCESS_KEY_ID": "someone",
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"),
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    client = boto3.client("s3")
    client.create_bucket(Bucket="dags")
    yield client
    # It keeps users and buckets beside the server, which another one would find.
    requests.post(f"{client.meta.endpoint_url}/moto-api/reset-auth", data=b"inf", timeout=10)
    requests.post(f"{client.meta.endpoint_url}/moto-api/reset", timeout=10)
    server.stop()
