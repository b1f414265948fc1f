"""A project made by the own template of whichever Kedro is installed, with pipelines of every kind."""

import ast
import os
import shutil
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path

import pytest

FEATURES = """
from kedro.pipeline import node, pipeline


def collect():
    return [3, 1, 2]


def keep_below(values, limit):
    return [value for value in values if value < limit]


def create_pipeline(**kwargs):
    area = pipeline([node(keep_below, ["raw", "params:limit"], "kept", name="keep")])
    return pipeline(
        [
            node(collect, None, "raw", name="collect"),
            pipeline(area, namespace="north", inputs="raw"),
            pipeline(area, namespace="south", inputs="raw", parameters={"params:limit": "params:limits.south"}),
        ]
    )
"""

REPORTING = """
from kedro.pipeline import node, pipeline


def compare(north, south):
    return {"more": sorted(set(south) - set(north))}


def describe(comparison, style):
    return {"text": style.format(**comparison)}


def create_pipeline(**kwargs):
    return pipeline(
        [
            node(compare, ["north.kept", "south.kept"], "comparison", name="compare", tags="resources.large"),
            node(describe, ["comparison", "params:style"], "description"),
        ]
    )
"""

RETURN = "    return pipelines\n"
COMPOSED = '    pipelines["nightly"] = pipelines["features"] + pipelines["reporting"]\n'

CATALOG = """
raw: {type: json.JSONDataset, filepath: data/01_raw/raw.json}
"{area}.kept": {type: json.JSONDataset, filepath: "data/02_intermediate/{area}.json"}
"co{rest}": {type: json.JSONDataset, filepath: "data/08_reporting/co{rest}.json"}
description: {type: json.JSONDataset, filepath: data/08_reporting/description.json}
"""

PARAMETERS = """
north: {limit: 2}
limits: {south: 3}
style: "also in the south: {more}"
"""

CONFIG = """
host: http://127.0.0.1:1
output: airflow
run_config:
  image: registry.example.com/matrix:1
  namespace: airflow
  experiment_name: Matrix
  start_date: "20260101"
  resources:
    large: {requests: {memory: 1Gi}}
"""


@dataclass(frozen=True)
class KedroProject:
    path: Path

    def kedro(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run `kedro ARGUMENTS` in the project, with no other of Kedro's variables than these."""
        return kedro(*arguments, cwd=self.path, **environment)

    def write(self, name: str, content: str) -> None:
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(content), encoding="utf-8")

    def read(self, name: str) -> str:
        return (self.path / name).read_text(encoding="utf-8")


def kedro(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command of Kedro, with lines that are wide enough."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("KEDRO_")}
    return subprocess.run(
        [sys.executable, "-m", "kedro", *arguments],
        cwd=cwd,
        env={**inherited, "COLUMNS": "1000", "DO_NOT_TRACK": "1", "KEDRO_DISABLE_TELEMETRY": "1", **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def pods(dag: str) -> dict[str, list[str]]:
    """Return what the pod of each node of a DAG file runs, by the id of its task, in the order of the pipeline."""
    tree = ast.parse(dag)
    # All nodes of these projects run with the same arguments, whatever their resources.
    args, *_ = (
        [element.value for element in value.elts]
        for node in ast.walk(tree)
        if isinstance(node, ast.Dict)
        for key, value in zip(node.keys, node.values, strict=True)
        if isinstance(key, ast.Constant)
        and key.value == "args"
        and isinstance(value, ast.List)
        and all(isinstance(element, ast.Constant) for element in value.elts)
    )
    tasks = [
        {
            keyword.arg: ast.literal_eval(keyword.value)
            for keyword in node.keywords
            if keyword.arg in {"task_id", "nodes"}
        }
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "NodePodOperator"
    ]
    return {task["task_id"]: [*args, f"--nodes={','.join(task['nodes'])}"] for task in tasks}


@pytest.fixture(scope="session")
def template(tmp_path_factory):
    """What `kedro new` makes."""
    folder = tmp_path_factory.mktemp("template")
    made = kedro("new", "--name=Matrix", "--tools=none", "--example=n", "--telemetry=no", cwd=folder)
    assert made.returncode == 0, made.stdout + made.stderr
    return folder / "matrix"


@pytest.fixture(scope="module")
def project(template, tmp_path_factory):
    """A project with two pipelines, of nodes with and without names and namespaces, and a third composed of them."""
    project = KedroProject(Path(shutil.copytree(template, tmp_path_factory.mktemp("project") / "matrix")))
    project.write("src/matrix/pipelines/features/__init__.py", FEATURES)
    project.write("src/matrix/pipelines/reporting/__init__.py", REPORTING)
    registry = "src/matrix/pipeline_registry.py"
    project.write(registry, project.read(registry).replace(RETURN, COMPOSED + RETURN))
    project.write("conf/base/catalog.yml", CATALOG)
    project.write("conf/base/parameters.yml", PARAMETERS)
    project.write("conf/base/airflow-k8s.yaml", CONFIG)
    return project
