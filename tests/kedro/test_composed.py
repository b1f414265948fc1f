"""Pipelines that are composed in the registry: the pods run their functions, and no others of the same names."""

import itertools
import json
import shutil
from pathlib import Path

import pytest

from tests.kedro.conftest import KedroProject, pods

PART = """
from kedro.pipeline import node, pipeline


def told():
    return "{name}"


def create_pipeline(**kwargs):
    return pipeline([node(told, None, "{name}", name="{name}")])
"""

REGISTRY = """
from kedro.framework.project import find_pipelines
from kedro.pipeline import node, pipeline


def ours(one, two):
    return ["ours", one, two]


def theirs(one, two):
    return ["theirs", one, two]


def register_pipelines():
    pipelines = find_pipelines()
    parts = pipelines["one"] + pipelines["two"]
    pipelines["added"] = parts + pipeline([node(ours, ["one", "two"], "both", name="join")])
    pipelines["cut"] = pipelines["added"].from_nodes("join")
    pipelines["__default__"] = {default}
    return pipelines
"""

CATALOG = '"{name}": {type: json.JSONDataset, filepath: "data/{name}.json"}\n'

SEEDS = itertools.count(1)
DEFAULTS = {
    "a pipeline with another function": 'parts + pipeline([node(theirs, ["one", "two"], "both", name="join")])',
    "a part": 'pipelines["one"]',
    "another composed pipeline": 'pipelines["added"]',
}


@pytest.fixture(params=DEFAULTS.values(), ids=DEFAULTS.keys())
def composed(request, template, tmp_path):
    """A project whose default pipeline is not the sum of all."""
    project = KedroProject(Path(shutil.copytree(template, tmp_path / "matrix")))
    for name in ("one", "two"):
        project.write(f"src/matrix/pipelines/{name}/__init__.py", PART.format(name=name))
    project.write("src/matrix/pipeline_registry.py", REGISTRY.replace("{default}", request.param))
    project.write("conf/base/catalog.yml", CATALOG)
    project.write(
        "conf/base/airflow-k8s.yaml",
        "run_config: {image: registry.example.com/matrix, namespace: airflow, experiment_name: Matrix}\n",
    )
    return project


def test_the_pods_run_the_functions_of_the_composed_pipeline(composed):
    result = composed.kedro("airflow-k8s", "--pipeline=added", "compile")
    assert result.returncode == 0, result.stdout + result.stderr
    commands = pods(Path(composed.path, result.stdout.splitlines()[-1]).read_text(encoding="utf-8"))

    for command in (commands[task] for task in ("one", "two", "join", "join")):
        # Kedro puts the names of pipelines into a set: their order is another one in each process.
        ran = composed.kedro(*command[1:], PYTHONHASHSEED=str(next(SEEDS)))
        assert ran.returncode == 0, ran.stdout + ran.stderr
        if command == commands["join"]:
            assert json.loads(composed.read("data/both.json")) == ["ours", "one", "two"]

    assert sorted(commands) == ["join", "one", "two"]
