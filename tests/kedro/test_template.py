"""A project of this Kedro's own template becomes the same DAG as with every other Kedro, and its pods' commands run."""

import json
import re
from importlib.metadata import version
from pathlib import Path

import pytest
import semver

from tests.kedro.conftest import pods

EXPECTED = Path(__file__).with_name("expected.py")
KEDRO = semver.VersionInfo.parse(version("kedro"))
# Kedro 0.19 names a node after its datasets, later ones after its function and a digest of both.
UNNAMED = "describe([comparison;params:style]) -> [description]" if KEDRO < "1.0.0" else "describe__198882bc"
WARNING = f"Warning: node {UNNAMED!r} has no name of its own: its task id changes with its function\n"
NOTE = (
    "Note: what nodes write to 'description' is gone with the pods and the volume of the run; give what should stay a"
    " remote address in the catalog\n"
)
COMMON = ["kedro", "run", "--env=local"]


def compiled(project, *arguments):
    """Return the DAG file that `compile` writes."""
    result = project.kedro("airflow-k8s", *arguments, "compile")
    assert (result.returncode, result.stderr) == (0, NOTE + WARNING), result.stdout + result.stderr
    return Path(project.path, result.stdout.splitlines()[-1]).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def dag(project):
    """The file of the default pipeline."""
    return compiled(project)


def comparable(dag):
    """Return a DAG file down to its operators, with the node that has no name called `unnamed`."""
    text = re.sub(r"Build id: \w+", "Build id: 0", dag.partition("\n\n\n# What is used above")[0] + "\n")
    operator = re.compile(rf'(\w+) = NodePodOperator\(\s*task_id="[\w-]+",\s*nodes=\["{re.escape(UNNAMED)}"\],?\s*\)')
    name = operator.search(text)[1]
    return operator.sub('unnamed = NodePodOperator(task_id="unnamed", nodes=["unnamed"])', text).replace(
        name, "unnamed"
    )


def test_the_dag_is_the_same_with_every_kedro(dag, request):
    """All of the file down to its operators; only a node without a name is called as this Kedro calls it."""
    found = comparable(dag)
    if request.config.getoption("--write-golden"):
        EXPECTED.write_text(found, encoding="utf-8")

    assert found == EXPECTED.read_text(encoding="utf-8")


def test_what_the_pods_run_runs(project, dag):
    """Each command of the file, in the order of the pipeline and each in a process of its own, does its part."""
    for command in pods(dag).values():
        assert command[: len(COMMON)] == COMMON
        result = project.kedro(*command[1:])
        assert result.returncode == 0, result.stdout + result.stderr

    assert json.loads(project.read("data/08_reporting/description.json")) == {"text": "also in the south: [2]"}


@pytest.mark.parametrize(("pipeline", "task"), [("nightly", "collect"), ("reporting", "compare")])
def test_a_pipeline_is_found_in_the_pod(project, dag, pipeline, task):
    """Since Kedro 1.5 --pipeline imports one package, which a registry that composes more refuses: pods do without."""
    commands = pods(compiled(project, f"--pipeline={pipeline}"))

    assert commands[task] == [*COMMON, *([f"--pipeline={pipeline}"] if KEDRO < "1.5.0" else []), f"--nodes={task}"]
    result = project.kedro(*commands[task][1:])
    assert result.returncode == 0, result.stdout + result.stderr
