"""What `init` writes, put to work: the sample configuration, and the workflows step by step as GitHub runs them."""

import os
import re
import stat
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import SimpleNamespace

import pytest
import yaml

from kedro_airflow_k8s.airflow import AirflowClient, connect
from kedro_airflow_k8s.sandbox import session
from kedro_airflow_k8s.sandbox.airflow import install
from kedro_airflow_k8s.sandbox.session import Sandbox, Setup
from tests import distribution
from tests.e2e.conftest import AIRFLOWS, kedro, write

PIPELINE = """
from kedro.pipeline import node, pipeline


def count(number):
    print("counted to", number)


def create_pipeline(**kwargs):
    return pipeline([node(count, "params:number", None, name="count")])
"""

# What is built and pushed is only noted: there is no container engine here.
DOCKER = """\
#!/bin/sh
echo "$@" >> "$DOCKER_LOG"
"""


def new_project(folder: Path, name: str) -> Path:
    """Make a project as a user does, with a pipeline of one node."""
    options = ("--name", name, "--tools", "none", "--example", "n", "--telemetry", "no")
    done = kedro(folder, "new", *options)
    assert done.returncode == 0, done.stdout + done.stderr
    package = name.lower()
    project = folder / package
    write(project, f"src/{package}/pipelines/counting/__init__.py", PIPELINE)
    write(project, "conf/base/parameters.yml", "number: 3\n")
    version = re.search(r"^kedro\W.*$", (project / "requirements.txt").read_text(encoding="utf-8"), re.MULTILINE)
    write(project, "requirements.txt", f"{version[0]}\n")
    return project


def git(folder: Path, *arguments: str) -> str:
    """Run git as somebody."""
    command = ["git", "-c", "user.name=T", "-c", "user.email=t@example.com", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout.strip()


@dataclass(frozen=True)
class Site:
    """A project in a git repository, and an Airflow."""

    project: Path
    server: Sandbox
    client: AirflowClient


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The newest Airflow, and a new project in a new repository."""
    project = new_project(tmp_path_factory.mktemp("site"), "Demo")
    git(project, "init", "-q", "-b", "main")
    with session.started(
        Setup(install.ensure(AIRFLOWS[0], print), project, PurePosixPath("/home/kedro_docker")), print
    ) as server:
        login = {"AIRFLOW_API_USERNAME": server.username, "AIRFLOW_API_PASSWORD": server.password}
        done = kedro(project, "airflow-k8s", "init", "--with-github-actions")
        assert done.returncode == 0, done.stdout + done.stderr
        git(project, "add", "--all")
        git(project, "commit", "-q", "-m", "Begin")
        yield Site(project, server, connect(server.url, login))


def loaded(client: AirflowClient, dag_id: str):
    """Wait until Airflow has loaded a DAG, and return it."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if (dag := client.dag(dag_id)) is not None:
            return dag
        time.sleep(1)
    raise AssertionError(f"{dag_id} is not loaded")


class Runner:
    """Runs the steps of a workflow's only job in their order, as a runner of GitHub does."""

    def __init__(self, folder: Path, project: Path, site: Site, branch: str) -> None:
        self.project = project
        self.site = site
        self.log = folder / "docker.log"
        stub = folder / "stub/docker"
        write(folder, "stub/docker", DOCKER)
        stub.chmod(stub.stat().st_mode | stat.S_IXUSR)
        # What actions/setup-python leaves behind: an empty Python that comes first.
        subprocess.run([install.find_uv(), "venv", "--quiet", "--seed", folder / "python"], check=True)
        wheels = folder / "wheels"
        source = distribution.copy(folder)
        subprocess.run([install.find_uv(), "build", "--quiet", "--wheel", "--out-dir", wheels, source], check=True)
        path = [stub.parent, folder / "python/bin", "/usr/local/bin", "/usr/bin", "/bin"]
        ours = re.compile(r"AIRFLOW|KEDRO|VIRTUAL_ENV|PYTHON|TOX|COV|PYTEST|PATH$")
        self.environment = {
            **{name: value for name, value in os.environ.items() if not ours.match(name)},
            "PATH": os.pathsep.join(map(str, path)),
            "PIP_FIND_LINKS": str(wheels),
            "PIP_NO_COMPILE": "1",
            "DOCKER_LOG": str(self.log),
            "DO_NOT_TRACK": "1",
            "COLUMNS": "200",
            "CI": "true",
            "GITHUB_REF_NAME": branch,
        }
        commit = git(project, "rev-parse", "HEAD")
        self.contexts = {
            "github": {"sha": commit, "ref_name": branch, "ref": f"refs/heads/{branch}"},
            "vars": {
                "IMAGE_REGISTRY": "registry.example.com/team",
                "AIRFLOW_URL": site.server.url,
                "AIRFLOW_DAGS": str(site.server.dags),
            },
            "secrets": {
                "AIRFLOW_API_USERNAME": site.server.username,
                "AIRFLOW_API_PASSWORD": site.server.password,
            },
            "env": {},
        }

    def run(self, name: str) -> list[str]:
        """Run the workflow of that name, and return the names of the steps that were run."""
        workflow = yaml.safe_load((self.project / f".github/workflows/{name}.yml").read_text(encoding="utf-8"))
        (job,) = workflow["jobs"].values()
        self.contexts["env"] = self.filled({**workflow.get("env", {}), **job.get("env", {})})
        steps = [step for step in job["steps"] if "run" in step and self.is_due(step)]
        for step in steps:
            environment = {**self.environment, **self.contexts["env"], **self.filled(step.get("env", {}))}
            done = subprocess.run(
                ["bash", "-e", "-c", step["run"]],
                cwd=self.project,
                env=environment,
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, f"{step['name']}:\n{done.stdout}{done.stderr}"
        return [step["name"] for step in steps]

    def is_due(self, step: dict) -> bool:
        """Tell whether a step's condition holds."""
        return "if" not in step or self.evaluated(step["if"]) is True

    def filled(self, values: dict[str, str]) -> dict[str, str]:
        """Return environment variables with their expressions evaluated."""

        def text(match: re.Match[str]) -> str:
            found = self.evaluated(match[1])
            return str(found).lower() if isinstance(found, bool) else found

        return {name: re.sub(r"\$\{\{(.*?)\}\}", text, str(value)) for name, value in values.items()}

    def evaluated(self, expression: str) -> str | bool:
        """Evaluate an expression; what is not set is empty."""

        class Context(SimpleNamespace):
            def __getattr__(self, name: str) -> str:
                return ""

        contexts = {name: Context(**values) for name, values in self.contexts.items()}
        return eval(expression.strip().replace("||", " or ").replace("&&", " and "), {}, contexts)


COMMON = [
    "Install the project's requirements, the plugin and kedro-docker",
    "Build the image",
    "Log in to the registry",
    "Push the image",
]


@pytest.fixture(scope="module")
def runner(site, tmp_path_factory):
    """A runner of GitHub with the project's checkout; its Python is kept, as a cache keeps what was installed."""
    return Runner(tmp_path_factory.mktemp("runner"), site.project, site, "feature/x")


def test_a_push_runs_the_pipeline(site, runner):
    """The steps of on-push install the plugin, build and push the image and end when the DAG run has succeeded."""
    assert [*COMMON, "Run the pipeline once"] == runner.run("on-push")

    image = f"registry.example.com/team/demo:{git(site.project, 'rev-parse', 'HEAD')}"
    dag = loaded(site.client, "demo-feature-x")
    text = (site.server.dags / "demo-feature-x.py").read_text(encoding="utf-8")
    calls = runner.log.read_text(encoding="utf-8").splitlines()
    build = "build --build-arg KEDRO_UID=999 --build-arg KEDRO_GID=0 --build-arg BASE_IMAGE=python:"
    assert any(call.startswith(build) and call.endswith(f"-t {image} {site.project}") for call in calls)
    assert f"push {image}" == calls[-1]
    assert dag.schedule is None
    assert f'"image": "{image}"' in text
    assert ["success"] == [run["state"] for run in runs(site, "demo-feature-x")]


def test_a_merge_schedules_the_pipeline(site, runner):
    """The steps of on-merge-to-main leave a DAG in Airflow that has the schedule of the sample."""
    assert [*COMMON, "Schedule the pipeline"] == runner.run("on-merge-to-main")

    dag = loaded(site.client, "demo")
    assert ("0 0 * * *", True) == (dag.schedule, dag.is_active)


def test_the_sample_compiles_unchanged_to_a_dag_that_airflow_loads(site, tmp_path):
    """A new project, init, compile: with no variable set and nothing edited, Airflow loads what comes out."""
    project = new_project(tmp_path, "Plain")
    for command in (["init"], ["compile", "-t", str(site.server.dags)]):
        done = kedro(project, "airflow-k8s", *command)
        assert done.returncode == 0, done.stdout + done.stderr

    dag = loaded(site.client, "plain")
    assert (True, False) == (dag.is_active, dag.is_broken)


def runs(site: Site, dag_id: str) -> list[dict]:
    """Return the runs of a DAG."""
    answer = site.client._transport.send("GET", f"{site.client.api.path}/dags/{dag_id}/dagRuns")
    assert answer.ok, answer
    return answer.body["dag_runs"]
