"""Any text and any shape of pipeline, through the plugin and then through Airflow's own rendering."""

import json
import re
import subprocess
from datetime import date
from pathlib import Path

import kubernetes_validate
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kedro_airflow_k8s.codegen.source import render
from kedro_airflow_k8s.config import load
from kedro_airflow_k8s.config.kubernetes import _IMAGE
from kedro_airflow_k8s.errors import ConfigError
from kedro_airflow_k8s.plan import plan
from kedro_airflow_k8s.project import Node, Project
from kedro_airflow_k8s.sandbox.airflow import install
from tests.e2e.conftest import AIRFLOWS

EXAMPLES = 60
ODD = st.sampled_from(
    ["{{ x }}", "{% raw %}", "{# #}", "${a}", "$(HOME)", "$$", "'\"\\", "\n", "\r\n", "😀", "<b>&", "é\u202e"]
)
TEXT = st.lists(ODD | st.text(max_size=8), min_size=1, max_size=5).map("".join).filter(lambda text: "\0" not in text)
IMAGE = st.from_regex(re.compile(_IMAGE, re.ASCII), fullmatch=True).filter(lambda image: len(image) <= 500)
SCRIPT = Path(__file__).with_name("render_pods.py")


@st.composite
def pipelines(draw):
    """Draw nodes of any names, each after any of those before it."""
    names = draw(st.lists(st.text(min_size=1, max_size=20) | TEXT, min_size=1, max_size=8, unique=True))
    return tuple(
        Node(name, (), tuple(draw(st.lists(st.sampled_from(names[:number]), unique=True)) if number else ()))
        for number, name in enumerate(names)
    )


@st.composite
def configurations(draw):
    """Draw a configuration with any text where any text is allowed."""
    return {
        "image": draw(IMAGE),
        "namespace": "airflow",
        "experiment_name": draw(TEXT),
        "description": draw(TEXT),
        "project_path": "/" + draw(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)),
        "secrets": [{"secret": "s", "key": draw(st.sampled_from(["k", "a.b", "K_1-x"])), "deploy_target": "SECRET"}],
        "macro_params": ["ds"],
        "variables_params": ["limit"],
        "env_vars": ["API_HOST"],
        "mlflow": draw(st.sampled_from([None, {"enabled": True, "tracking_uri": "http://mlflow:5000"}])),
        "volume": {"size": draw(st.sampled_from(["1Gi", "500M", "1e9"])), "skip_init": draw(st.booleans())},
        "resources": {"__default__": {"annotations": {"note": draw(TEXT)}, "requests": {"cpu": 0.5}}},
    }


def generate(folder: Path) -> dict[str, tuple[dict, tuple[Node, ...]]]:
    """Write a DAG file for each example, and return what it was made of."""
    made: dict[str, tuple[dict, tuple[Node, ...]]] = {}

    @settings(max_examples=EXAMPLES, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
    @given(configurations(), pipelines())
    def collect(configuration, nodes):
        try:
            config = load({"run_config": configuration}, ["airflow-k8s.yaml"])
        except ConfigError:
            return  # a clear refusal is as good
        project = Project("P {{ x }}", "p", Path("/p"), "local", "__default__", nodes)
        dag = plan(project, config, command="kedro", today=date(2026, 1, 1), name="demo").dag
        name = f"example{len(made):03}"
        (folder / f"{name}.py").write_text(render(dag)[0], encoding="utf-8", newline="")
        made[name] = (configuration, nodes)

    collect()
    return made


@pytest.fixture(scope="module", params=AIRFLOWS)
def examples(request, tmp_path_factory):
    """Return for each example what it was made of, and what Airflow made of it."""
    folder = tmp_path_factory.mktemp("dags")
    made = generate(folder)
    assert len(made) > EXAMPLES / 2
    environment = {
        "PATH": "/usr/bin:/bin",
        "AIRFLOW_HOME": str(tmp_path_factory.mktemp("home")),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "DO_NOT_TRACK": "1",
        "LANG": "C.UTF-8",
    }
    done = subprocess.run(
        [install.ensure(request.param, print), SCRIPT, folder],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    lines = [line for line in done.stdout.splitlines() if line.startswith("RENDERED ")]
    rendered = [json.loads(line.removeprefix("RENDERED ")) for line in lines]
    assert [entry["file"] for entry in rendered] == list(made)
    return [(*made[entry["file"]], entry) for entry in rendered]


def test_text_arrives_as_written(examples):
    """Whatever the user wrote stands in the request to Kubernetes, character by character."""
    for configuration, _, found in examples:
        assert found["description"] == configuration["description"]
        for pod in found["pods"].values():
            (container,) = pod["spec"]["containers"]
            assert container["image"] == configuration["image"]
            assert (
                pod["metadata"]["annotations"]["note"]
                == configuration["resources"]["__default__"]["annotations"]["note"]
            )


def test_nodes_arrive_as_kedro_names_them(examples):
    """Each node has a task whose argument, after Kubernetes' own expansion, is its name."""
    for _, nodes, found in examples:
        arguments = [pod["spec"]["containers"][0]["args"] for pod in found["pods"].values()]
        names = [args[-1].removeprefix("--nodes=").replace("$$", "$") for args in arguments if "--nodes=" in args[-1]]

        assert sorted(names) == sorted(node.name for node in nodes)


def test_only_nodes_get_the_mlflow_run(examples):
    """Its id comes from the task that started it, which precedes every node and not the filling of the volume."""
    for configuration, _, found in examples:
        given = "result of start_mlflow_run" if configuration["mlflow"] else None
        for task, pod in found["pods"].items():
            environment = {entry["name"]: entry.get("value") for entry in pod["spec"]["containers"][0]["env"]}

            assert environment.get("MLFLOW_RUN_ID") == (None if task == "data_volume_init" else given)


def test_edges_are_those_of_the_pipeline(examples):
    """Between the nodes there are exactly the pipeline's own dependencies; no node is lost."""
    for _, nodes, found in examples:
        tasks = {
            pod["spec"]["containers"][0]["args"][-1].removeprefix("--nodes=").replace("$$", "$"): task_id
            for task_id, pod in found["pods"].items()
            if task_id != "data_volume_init"
        }
        expected = {(tasks[parent], tasks[node.name]) for node in nodes for parent in node.upstream}
        edges = {(task, other) for task, others in found["edges"].items() for other in others}

        assert {edge for edge in edges if set(edge) <= set(tasks.values())} == expected
        assert all("delete_pipeline_storage" in found["edges"][task] for task in tasks.values())


def test_requests_are_what_kubernetes_takes(examples):
    """Pods and claims are valid by Kubernetes' own published schema."""
    for _, _, found in examples:
        for body in (*found["pods"].values(), *found["claims"].values()):
            kubernetes_validate.validate(body, kubernetes_validate.latest_version(), strict=True)
