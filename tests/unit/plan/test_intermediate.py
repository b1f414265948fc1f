"""Data that passes between tasks and that the catalog keeps in memory."""

import json
from datetime import timedelta

import pytest

from kedro_airflow_k8s.contract import INTERMEDIATE_DATASETS, STORE, STORE_CREDENTIALS
from kedro_airflow_k8s.errors import PlanError
from kedro_airflow_k8s.model import Local
from kedro_airflow_k8s.project import Dataset, Node

from .test_plan import notes, planned, warnings

NODES = (
    Node("load", outputs=("raw", "t@pandas")),
    Node("clean table", (), ("load",), ("raw",), ("table",)),
    Node("report", (), ("load", "clean table"), ("t@text", "table"), ("last",)),
)
MEMORY = {
    "raw": Dataset(False, "data/raw.csv"),
    "t@pandas": Dataset(True),
    "t@text": Dataset(True),
    "table": Dataset(True),
    "last": Dataset(True),
}
RUN = "{{ macros.uuid.uuid5(macros.uuid.NAMESPACE_URL, dag.dag_id ~ '/' ~ run_id) }}"


def made(run=None, **arguments):
    return planned(run, **{"nodes": NODES, "datasets": MEMORY, **arguments})


def env(plan):
    """Return the variables of the common pod."""
    return {each["name"]: each["value"] for each in plan.dag.locals["pod"]["spec"]["containers"][0].get("env", [])}


def test_the_volume_takes_what_crosses_and_nothing_else():
    """What a task keeps to itself, or nobody reads, stays in memory."""
    plan = made()

    assert env(plan)[STORE] == "data/.kedro-airflow-k8s"
    assert json.loads(env(plan)[INTERMEDIATE_DATASETS]) == {
        "t@pandas": "load",
        "t@text": "load",
        "table": "clean-table",
    }
    assert [task.task_id for chain in plan.dag.after for task in chain] == ["delete_pipeline_storage"]
    assert notes(plan) == (
        "3 datasets are not in the catalog and pass between tasks through the run's volume: 't@pandas', 'table',"
        " 't@text'",
    )


def test_nothing_is_left_of_it_where_all_is_in_the_catalog():
    assert env(made(datasets={name: Dataset(False) for name in MEMORY})) == {}


def test_memory_can_be_allowed():
    """Who knows better says so."""
    assert env(made(allow_memory=True)) == {}


def test_a_url_takes_it_below_a_folder_of_the_run_which_is_removed_in_the_end():
    store = {"store": "s3://bucket/prefix/", "credentials": "minio"}

    plan = made({"volume": {"disabled": True}, "intermediate_data": store})

    assert env(plan)[STORE] == f"s3://bucket/prefix/demo-{RUN}"
    assert env(plan)[STORE_CREDENTIALS] == "minio"
    ((delete,),) = plan.dag.after
    assert (delete.task_id, delete.upstream) == ("delete_intermediate_data", ())
    assert delete.call.kwargs == {
        "pod": Local("pod"),
        "args": ["python", "-m", "kedro_airflow_k8s.image.clean", "local"],
        "startup_timeout_seconds": 600,
        "retries": 3,
        "retry_delay": timedelta(seconds=30),
        "trigger_rule": "all_done",
    }


def test_it_can_be_kept_after_a_failure():
    ((delete,),) = made(
        {"volume": {"disabled": True}, "intermediate_data": {"store": "gs://bucket", "keep_on_failure": True}}
    ).dag.after

    assert delete.call.kwargs["trigger_rule"] == "all_success"


def test_the_pod_that_removes_it_is_there_although_no_node_has_it():
    """It needs the secrets of the nodes, and not the resources of some."""
    nodes = tuple(Node(node.name, ("resources.large",), node.upstream, node.inputs, node.outputs) for node in NODES)
    run = {
        "intermediate_data": {"store": "s3://bucket"},
        "resources": {"large": {"requests": {"memory": "64Gi"}}},
        "env_vars": ["TOKEN_OF_STORE"],
    }

    plan = made(run, nodes=nodes)

    ((delete,),) = (chain for chain in plan.dag.after if chain[0].task_id == "delete_intermediate_data")
    assert plan.dag.defaults["pod"] == Local("large_pod")
    assert "resources" not in plan.dag.locals["pod"]["spec"]["containers"][0]
    assert delete.call.kwargs["functions"] == Local("functions")


@pytest.mark.parametrize(
    "run", [{"volume": {"disabled": True}}, {"intermediate_data": {"store": None}}], ids=["no volume", "null"]
)
def test_without_a_store_it_is_refused_by_name_with_the_ways_out(run):
    """The error names dataset, producer and consumers."""
    with pytest.raises(PlanError) as caught:
        made(run)

    assert str(caught.value).splitlines() == [
        "these datasets would pass in memory between tasks, which share none:",
        "  t@pandas: from 'load' to 'report'",
        "  table: from 'clean table' to 'report'",
        "  t@text: from 'load' to 'report'",
        "Name a store for them in run_config.intermediate_data.store, such as s3://bucket/prefix; or give each an entry"
        " in the catalog, such as t@pandas: {type: pickle.PickleDataset, filepath: data/t@pandas.pkl}",
    ]


def test_the_volume_cannot_take_it_where_there_is_none():
    with pytest.raises(
        PlanError, match=r"cannot go to the run's volume, since run_config\.volume\.disabled is true; name a URL"
    ):
        made({"volume": {"disabled": True}, "intermediate_data": {"store": "volume"}})


def test_an_image_that_would_lack_the_plugin_is_a_warning():
    """Without its hook a node that reads would fail, and one that writes would lose what it wrote."""
    assert warnings(made(has_plugin=False)) == (
        "the project's requirements do not name kedro-airflow-k8s, which hands on this data in the pods; add it to"
        " requirements.txt, so that the image has it",
    )
    assert warnings(made(has_plugin=False, datasets={})) == ()
