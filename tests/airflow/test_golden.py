"""The generated files inside a real Airflow, which has neither Kedro nor this plugin."""

import importlib.util
import json
import sys

import pytest

from tests.airflow.conftest import FILES, GOLDEN, dag_of, load

NODES = [
    "preprocess-companies",
    "preprocess-reviews",
    "preprocess-shuttles",
    "create-model-input-table",
    "split-data",
    "train-model",
    "predict",
    "evaluate-model",
]


def serialise(dag):
    try:
        from airflow.serialization.serialized_objects import DagSerialization
    except ImportError:
        from airflow.serialization.serialized_objects import SerializedDAG as DagSerialization
    return json.dumps(DagSerialization.to_dict(dag), sort_keys=True)


def edges(dag):
    return {task.task_id: set(task.downstream_task_ids) for task in dag.tasks}


def test_kedro_and_the_plugin_are_absent():
    """What these tests show, they show of the file alone."""
    for file in FILES:
        load(file)

    assert importlib.util.find_spec("kedro") is None
    assert not [name for name in sys.modules if name.startswith("kedro_airflow_k8s")]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_file_loads_without_a_warning(file):
    """No deprecated name is imported or called by a generated file."""
    _, warnings = load(file)

    assert warnings == []
    assert dag_of(file).dag_id == file.stem


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_two_parses_are_equal(file):
    """Airflow 3 makes a new version of a DAG whenever a parse differs; ours never does by itself."""
    assert serialise(dag_of(file)) == serialise(dag_of(file))


def test_tasks_and_edges(spaceflights):
    """The edges are those of the pipeline; storage stands before the first nodes, and its removal after all of it."""
    after = {node: {"delete_pipeline_storage", "final"} for node in NODES}
    for node in ("preprocess-companies", "preprocess-reviews", "preprocess-shuttles"):
        after[node] |= {"create-model-input-table"}
    after["create-model-input-table"] |= {"split-data"}
    after["split-data"] |= {"train-model", "predict", "evaluate-model"}
    after["train-model"] |= {"predict"}
    after["predict"] |= {"evaluate-model"}

    assert edges(spaceflights) == {
        **after,
        "create_pipeline_storage": {"data_volume_init"},
        "data_volume_init": {
            "preprocess-companies",
            "preprocess-reviews",
            "preprocess-shuttles",
            "delete_pipeline_storage",
        },
        "delete_pipeline_storage": {"final"},
        "final": set(),
    }


def test_the_arguments_of_the_dag(spaceflights):
    """Schedule, tags and description are as configured; the documentation ends with the build id."""
    assert spaceflights.description == "Predicts the price of a shuttle flight"
    assert spaceflights.catchup is False
    assert set(spaceflights.tags) == {
        "kedro-airflow-k8s",
        "commit_sha:UNKNOWN",
        "generated_with_kedro_airflow_k8s:1.0.0",
        "experiment_name:spaceflights",
    }
    *_, last = spaceflights.doc_md.splitlines()
    assert last.startswith("Build id: ")
    assert len(last) == len("Build id: ") + 12


def test_without_a_volume_there_are_only_nodes():
    """A disabled volume leaves no task behind."""
    (file,) = (file for file in FILES if file.stem == "Minimal")

    assert edges(dag_of(file)) == {"one": {"two", "final"}, "two": {"final"}, "final": set()}


def test_keep_on_failure_and_skip_init():
    """The claim of a failed run stays when its removal needs every node to have succeeded."""
    (file,) = (file for file in FILES if file.stem == "everything")
    dag = dag_of(file)

    assert "data_volume_init" not in dag.task_dict
    assert dag.get_task("delete_pipeline_storage").trigger_rule == "all_success"


@pytest.mark.parametrize(
    ("file", "preparation", "clean_up"),
    [
        ("spaceflights", "data_volume_init", "delete_pipeline_storage"),
        ("everything", "create_pipeline_storage", "delete_pipeline_storage"),
        ("everything", "start_mlflow_run", "finish_mlflow_run"),
        ("Tracked", "start_mlflow_run", "finish_mlflow_run"),
    ],
)
def test_what_is_prepared_is_cleaned_up_afterwards(file, preparation, clean_up):
    """Also where the nodes are given up before the preparation is over, for a failure of another one."""
    dag = dag_of(GOLDEN / f"{file}.py")

    assert preparation in dag.get_task(clean_up).upstream_task_ids
    assert {"one", "split-data"} & dag.get_task(clean_up).upstream_task_ids
